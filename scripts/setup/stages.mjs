/**
 * The stages of the set-up, in order: packages, the native engine, TypeScript, the programs' bundles. Each names the files it reads
 * (its fingerprint) and the files it leaves (gone: it runs again), so that a change of one does not run the others.
 * The bench's C programs are not built here: `npm run bench` alone needs them.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { buildNative, MODULE } from '../build-native.mjs';
import { ENTRIES } from '../bundle.mjs';
import { filesBelow } from './fingerprint.mjs';

const SOURCE_FOLDERS = ['packages', 'test', 'bench'];
const OUTPUT_MAX = 256 * 1024 * 1024;

function run(root, command, args) {
  const child = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: OUTPUT_MAX,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PATH: `${path.dirname(process.execPath)}:${process.env.PATH ?? ''}`,
      // Never a question, never another pnpm than the one that was found.
      CI: 'true',
      COREPACK_ENABLE_DOWNLOAD_PROMPT: '0',
      npm_config_manage_package_manager_versions: 'false',
    },
  });
  const output = `${child.stdout ?? ''}${child.stderr ?? ''}${child.error?.message ?? ''}`;
  return { ok: child.status === 0, output, stdout: child.stdout ?? '' };
}

/** pnpm 10: the one on PATH, else npm's runner fetches it once. */
function pnpmCommand(root) {
  const version = run(root, 'pnpm', ['--version']);
  return version.ok && version.stdout.startsWith('10.') ? ['pnpm'] : ['npx', '--yes', 'pnpm@10'];
}

function packageFiles(root) {
  const isPackage = (name) => name === 'package.json';
  const members = [...SOURCE_FOLDERS, 'examples'].flatMap((folder) => filesBelow(root, folder, isPackage));
  return ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', ...members];
}

const installStage = {
  name: 'install',
  doing: 'installing packages',
  failed: 'The packages could not be installed: check the network and that pnpm-lock.yaml fits every package.json.',
  inputs: packageFiles,
  outputs: () => ['node_modules/.modules.yaml', 'node_modules/typescript/bin/tsc'],
  run(root) {
    const [command, ...args] = pnpmCommand(root);
    // No scripts: seeing binding.gyp, pnpm would build the engine with a node-gyp of its own and clear build/ for it.
    return run(root, command, [...args, 'install', '--frozen-lockfile', '--ignore-scripts']);
  },
};

const nativeStage = {
  name: 'native',
  doing: 'building the native engine',
  failed: 'The native engine did not build.',
  inputs: (root) => [
    'packages/dataplane/binding.gyp',
    'scripts/build-native.mjs',
    ...filesBelow(root, 'packages/dataplane/native', (name) => /\.[ch]$/.test(name)),
  ],
  outputs: () => [path.join('packages/dataplane', MODULE)],
  run: () => buildNative(),
};

const typescriptStage = {
  name: 'typescript',
  doing: 'compiling TypeScript',
  failed: 'TypeScript did not compile.',
  inputs: (root) => [
    'tsconfig.json',
    'tsconfig.base.json',
    ...packageFiles(root),
    ...SOURCE_FOLDERS.flatMap((folder) => filesBelow(root, folder, (name) => /\.ts$|^tsconfig.*\.json$/.test(name))),
  ],
  outputs(root) {
    const { references } = JSON.parse(readFileSync(path.join(root, 'tsconfig.json'), 'utf8'));
    return references.map((reference) => path.join(reference.path, 'dist/.tsbuildinfo'));
  },
  run: (root) => run(root, process.execPath, ['node_modules/typescript/bin/tsc', '-b']),
};

const bundleStage = {
  name: 'bundle',
  doing: 'bundling',
  failed: 'The programs could not be bundled.',
  inputs: () => ['scripts/bundle.mjs', 'pnpm-lock.yaml'],
  outputs: () => ENTRIES,
  /** What was compiled since makes it old. */
  isCurrent(root) {
    const times = (files) => files.map((file) => statSync(path.join(root, file)).mtimeMs);
    return Math.min(...times(ENTRIES)) >= Math.max(...times(typescriptStage.outputs(root)));
  },
  run: (root) => run(root, process.execPath, ['scripts/bundle.mjs']),
};

export const stages = [installStage, nativeStage, typescriptStage, bundleStage];
