/**
 * One way to compile TypeScript, for jest, for the bundles and for the scripts under tools/.
 * It has to say the same as tsconfig.base.json: legacy decorators with their metadata, and class
 * fields that are assigned in the constructor.
 */
exports.swcOptions = (moduleType = 'commonjs') => ({
  configFile: false,
  swcrc: false,
  sourceMaps: 'inline',
  inlineSourcesContent: true,
  module: { type: moduleType },
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true, dynamicImport: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
    keepClassNames: true,
    externalHelpers: false,
  },
});
