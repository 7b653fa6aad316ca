import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './workspace';

/** Where Node looks for what it shall run: https://nodejs.org/docs/latest-v20.x/api/single-executable-applications.html */
const blobName = 'NODE_SEA_BLOB';
const sentinelFuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/**
 * The require of an embedded script knows Node's own modules only, and warns of others. Packages ask for optional
 * ones, and the embedded database may lie beside the program: this is the require that any other program has there.
 * On the line of the script's first statement, so that lines stay what the source map says.
 */
const diskRequire = '"use strict"; require = require("node:module").createRequire(__filename); ';

export interface Binary {
  readonly file: string;
  readonly bytes: number;
}

/**
 * Makes dist/binary/derailed-APP of dist/apps/APP: this Node with the app's bundle in it. It runs on machines that have
 * what this Node is linked with (libc, libstdc++), and no Node.
 */
export function makeBinary(app: string): Binary {
  if (process.platform !== 'linux') throw new Error('the single binary is built on Linux, for Linux');
  const file = join(root, 'dist/binary', `derailed-${app}`);
  const scratch = mkdtempSync(join(tmpdir(), 'derailed-binary-'));
  const run = (...args: string[]): Buffer =>
    execFileSync(process.execPath, args, { cwd: scratch, stdio: 'pipe' });
  try {
    const bundled = readFileSync(join(root, 'dist/apps', app, 'main.js'), 'utf8');
    writeFileSync(join(scratch, 'main.js'), `${diskRequire}${bundled}`);
    const settings = {
      main: 'main.js',
      output: 'blob',
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
    };
    writeFileSync(join(scratch, 'sea.json'), JSON.stringify(settings));
    run('--experimental-sea-config', 'sea.json');
    copyFileSync(process.execPath, join(scratch, 'program'));
    chmodSync(join(scratch, 'program'), 0o755);
    // Its library warns of notes in the executable that it leaves alone; what it says is shown when it fails.
    run(
      require.resolve('postject/dist/cli.js'),
      'program',
      blobName,
      'blob',
      '--sentinel-fuse',
      sentinelFuse,
    );
    mkdirSync(join(root, 'dist/binary'), { recursive: true });
    rmSync(file, { force: true });
    copyFileSync(join(scratch, 'program'), file);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return { file, bytes: statSync(file).size };
}
