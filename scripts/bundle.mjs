/**
 * Bundles the two programs: the folders `bundle` hold each of their threads in a few files instead of hundreds, most of
 * whose loading is not the code's. What is bundled is what the TypeScript compiler wrote; the folders of entries and
 * chunks lie as deep as those in `dist`, so that paths relative to a file hold in both.
 *
 * Invariant: the entry of a program is written last, after everything that it needs: packages/shared/src/cli/program.ts
 * takes a bundle by the age of its entry.
 */
import { rmSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Loaded by name while the program runs, or by a file of its own. */
const EXTERNAL = ['piscina', 're2js', 'undici', 'yaml'];

const PROGRAMS = {
  dataplane: ['dataplane/dist/cli/main.js', 'dataplane/dist/worker/main.js'],
  healthd: ['healthd/dist/cli/main.js'],
};
const COMPILER_THREAD = 'shared/dist/configuration/compiler-thread.js';

/** `cli/main` of `dataplane/dist/cli/main.js`. */
function nameOf(file) {
  return file.replace(/^.*\/dist\//, '').replace(/\.js$/, '');
}

export const ENTRIES = Object.keys(PROGRAMS).map((program) => `packages/${program}/bundle/cli/main.js`);

async function bundleProgram(rolldown, packages, program, files) {
  const folder = path.join(packages, program, 'bundle');
  rmSync(folder, { recursive: true, force: true });
  const entries = [...files, COMPILER_THREAD].map((file) => [nameOf(file), path.join(packages, file)]);
  const bundle = await rolldown({ input: Object.fromEntries(entries), platform: 'node', external: EXTERNAL });
  await bundle.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
  });
  await bundle.close();
  const now = new Date();
  utimesSync(path.join(folder, 'cli/main.js'), now, now);
}

/** Rejects when a file cannot be read, or imports what is not there. */
export async function bundlePrograms(root) {
  const { rolldown } = await import('rolldown');
  const packages = path.join(root, 'packages');
  for (const [program, files] of Object.entries(PROGRAMS)) await bundleProgram(rolldown, packages, program, files);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bundlePrograms(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
}
