import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
// Makes Google's own .proto files known to protobufjs.
import '@grpc/proto-loader';
import type { Plugin } from 'esbuild';
import { type INamespace, Root, common } from 'protobufjs';
import { filesUnder } from './workspace';

/** Packages that read .proto files beside them when they start. */
const reader = /^(.*[\\/]node_modules[\\/](?:@grpc[\\/](?!proto-loader[\\/])[^\\/]+|grpc-health-check))[\\/]/;

interface Parsed {
  /** As the package wants to find it: the path in its code without the leading `../`. */
  readonly name: string;
  readonly camelCase: INamespace;
  readonly keptCase: INamespace;
}

/**
 * Gives packages that load .proto files what those files say, parsed: a bundle has no files beside it, and the single
 * binary can have none.
 */
export function parsedProtos(): Plugin {
  const namespace = 'parsed-protos';
  return {
    name: namespace,
    setup(build) {
      build.onResolve({ filter: /^@grpc\/proto-loader$/ }, ({ importer, pluginData }) => {
        const folder = pluginData === 'resolving' ? undefined : reader.exec(importer)?.[1];
        return folder === undefined ? undefined : { path: basename(folder), namespace, pluginData: folder };
      });
      build.onLoad({ filter: /.*/, namespace }, ({ pluginData }: { pluginData: string }) => ({
        contents: loaderOf(parseProtosOf(pluginData)),
        loader: 'js',
        resolveDir: pluginData,
      }));
    },
  };
}

/** A proto-loader whose loadSync knows these files, and no others. */
const loaderOf = (files: readonly Parsed[]): string => `
const loader = require('@grpc/proto-loader');
const files = ${JSON.stringify(files)};
exports.loadSync = (path, options) => {
  const file = files.find(({ name }) => path.replaceAll('\\\\', '/').endsWith(name));
  if (file === undefined) throw new Error(path + ' is not in this bundle');
  return loader.fromJSON(options?.keepCase ? file.keptCase : file.camelCase, options);
};
`;

/** Every .proto file that the package's code names. */
function parseProtosOf(folder: string): Parsed[] {
  const protos = filesUnder(folder, '.proto');
  const code = filesUnder(folder, '.js').filter((file) => !/[\\/]tests?[\\/]/.test(file));
  const named = code.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/'(?:\.\.\/)*([\w./-]+\.proto)'/g)].map(([, name = '']) => name),
  );
  const longestFirst = [...new Set(named)].sort((one, other) => other.length - one.length);
  return longestFirst.flatMap((name) => {
    const file = protos.find((proto) => proto.split('\\').join('/').endsWith(`/${name}`));
    if (file === undefined) return [];
    return [{ name, camelCase: parse(file, protos, false), keptCase: parse(file, protos, true) }];
  });
}

function parse(file: string, protos: readonly string[], keepCase: boolean): INamespace {
  const root = new Root();
  root.resolvePath = (origin, target) => {
    if (target === file || common.get(target) !== null) return target;
    const found = protos.find((proto) => proto.split('\\').join('/').endsWith(`/${target}`));
    return found ?? join(dirname(origin), target);
  };
  return root.loadSync(file, { keepCase }).resolveAll().toJSON();
}
