import type { Options } from '@swc/core';

export function swcOptions(moduleType?: 'commonjs' | 'es6'): Options;
