/**
 * Builds the native engine with node-gyp against the headers beside the running node: no download, no PATH look-up.
 *
 *   node scripts/build-native.mjs                      packages/dataplane/build/Release/sluice.node
 *   node scripts/build-native.mjs --sanitize address   packages/dataplane/build/address/build/Release/sluice.node
 *
 * node-gyp always builds into ./build of its working folder. A sanitizer build therefore runs in a folder of links to
 * the same sources, and the ordinary module stays untouched. The last line printed is the path of the module.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const PACKAGE = path.join(ROOT, 'packages/dataplane');
export const SANITIZERS = ['address', 'undefined', 'thread'];
export const MODULE = 'build/Release/sluice.node';

/** Folders that may hold `include/node/node_api.h`, best first. */
function prefixCandidates() {
  const { node_prefix: nodePrefix, nodedir } = process.config.variables;
  return [
    path.dirname(path.dirname(realpathSync(process.execPath))),
    path.dirname(path.dirname(process.execPath)),
    process.env.npm_config_nodedir,
    nodedir,
    nodePrefix,
  ].filter((folder) => typeof folder === 'string' && folder !== '');
}

/** The prefix whose headers belong to this node. Throws an Error whose message is the one line to show. */
export function findNodeDir(candidates = prefixCandidates()) {
  const found = candidates.find((folder) => existsSync(path.join(folder, 'include/node/node_api.h')));
  if (found !== undefined) return found;
  throw new Error(
    `the headers of Node ${process.version} are missing (include/node/node_api.h beside the node binary): ` +
      'install Node from nodejs.org or NodeSource, or your distribution’s libnode-dev package',
  );
}

/** Where the module for a sanitizer (undefined: the ordinary one) ends up. */
export function modulePath(sanitize) {
  return sanitize === undefined ? path.join(PACKAGE, MODULE) : path.join(PACKAGE, 'build', sanitize, MODULE);
}

/** The folder that node-gyp runs in; for a sanitizer, one of links to the sources. */
function buildFolder(sanitize) {
  if (sanitize === undefined) return PACKAGE;
  const folder = path.join(PACKAGE, 'build', sanitize);
  mkdirSync(folder, { recursive: true });
  for (const name of ['binding.gyp', 'native']) {
    rmSync(path.join(folder, name), { force: true });
    symlinkSync(path.join('../..', name), path.join(folder, name));
  }
  return folder;
}

/** Builds; returns `{ ok, output, module }`. `inherit` shows node-gyp's output as it comes. */
export function buildNative({ sanitize, inherit = false } = {}) {
  const nodeGyp = createRequire(path.join(ROOT, 'package.json')).resolve('node-gyp/bin/node-gyp.js');
  const args = [nodeGyp, 'configure', 'build', `--nodedir=${findNodeDir()}`, '--loglevel=warn', '--jobs=max'];
  const run = spawnSync(process.execPath, args, {
    cwd: buildFolder(sanitize),
    encoding: 'utf8',
    stdio: inherit ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
    env: {
      ...process.env,
      SLUICE_SANITIZE: sanitize ?? '',
      PATH: `${path.dirname(process.execPath)}:${process.env.PATH ?? ''}`,
    },
  });
  const module = modulePath(sanitize);
  const output = `${run.stdout ?? ''}${run.stderr ?? ''}${run.error?.message ?? ''}`;
  return { ok: run.status === 0 && existsSync(module), output, module };
}

function main(args) {
  const sanitize = args[0] === '--sanitize' ? args[1] : undefined;
  if (args.length > 0 && !(args.length === 2 && SANITIZERS.includes(sanitize))) {
    console.error(`usage: build-native.mjs [--sanitize ${SANITIZERS.join('|')}]`);
    return 2;
  }
  const { ok, module } = buildNative({ sanitize, inherit: true });
  if (ok) console.log(module);
  else console.error('The native engine did not build; the compiler’s output is above.');
  return ok ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    process.exitCode = main(process.argv.slice(2));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
