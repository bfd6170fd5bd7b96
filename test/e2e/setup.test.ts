/**
 * `npm run setup`: silent, quick and without effect when nothing changed; one line and a failure when the machine lacks
 * something. Runs in copies of the checkout, on a PATH that holds nothing: it could build nothing if it tried.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { CheckoutCopy } from '../support/checkout-copy.js';
import { SANITIZED } from '../support/sanitizer.js';

const QUICK_MS = SANITIZED ? 10_000 : 5_000;
const copies: CheckoutCopy[] = [];
let checkout: CheckoutCopy;

beforeEach(() => {
  checkout = new CheckoutCopy();
  copies.push(checkout);
});
afterAll(() => {
  for (const copy of copies) copy.remove();
});

/** `before` runs in the process ahead of the set-up. */
function setUp(before = '') {
  const env = { ...process.env, PATH: '/nonexistent' };
  for (const name of ['CC', 'CXX', 'MAKE', 'PYTHON', 'npm_config_python']) delete (env as NodeJS.ProcessEnv)[name];
  const args = before === '' ? [] : ['--import', `data:text/javascript,${encodeURIComponent(before)}`];
  const program = checkout.path('scripts/setup.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [...args, program], { env, encoding: 'utf8' });
  return { status, stdout, lines: stderr.split('\n').filter((line) => line !== '') };
}

/** Every file of the copy with the time of its last change. */
function changeTimes(): Record<string, number> {
  const entries = readdirSync(checkout.root, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const files = entries.map((entry) => path.join(entry.parentPath, entry.name));
  return Object.fromEntries(files.map((file) => [file, statSync(file).mtimeMs]));
}

test('does nothing and says nothing when nothing changed', async () => {
  await checkout.asDone();
  const before = changeTimes();
  const started = performance.now();
  expect(setUp()).toEqual({ status: 0, stdout: '', lines: [] });
  expect(performance.now() - started).toBeLessThan(QUICK_MS);
  expect(changeTimes()).toEqual(before);
});

test.each([
  'packages/dataplane/native/engine.c',
  'packages/dataplane/binding.gyp',
  'packages/shared/src/log.ts',
  'packages/dataplane/package.json',
  'pnpm-lock.yaml',
  'tsconfig.base.json',
])('a change of %s is noticed', async (file) => {
  await checkout.asDone();
  appendFileSync(checkout.path(file), '\n');
  expect(setUp().status).toBe(1);
});

test('a build output that is gone is noticed', async () => {
  await checkout.asDone();
  rmSync(checkout.path('packages/dataplane/build/Release/sluice.node'));
  expect(setUp().status).toBe(1);
});

test('without the tools of the native build: one line that says what to install', () => {
  const { status, stdout, lines } = setUp();
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(lines).toEqual([
    'The native engine cannot be built without Python 3 ("python3"), make, a C compiler ("cc"), g++: ' +
      'on Debian and Ubuntu, apt-get install python3 build-essential',
  ]);
  expect(existsSync(checkout.path('.setup-stamp'))).toBe(false);
});

test.each([
  [
    "Object.defineProperty(process, 'platform', { value: 'darwin' })",
    /^Sluice runs on Linux only .* this is darwin: use/,
  ],
  [
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.0' } })",
    /^Node 20\.18\.0 is too old: install Node 20\.18\.1 or newer/,
  ],
])('on the wrong machine: one line, %#', (before, said) => {
  const { status, stdout, lines } = setUp(before);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(lines).toEqual([expect.stringMatching(said)]);
});

interface Requirements {
  isAtLeast(version: string, minimum: readonly number[]): boolean;
  toolProblems(has: (command: string) => boolean, env: NodeJS.ProcessEnv): readonly string[];
}
const requirements = async () => (await import(checkout.path('scripts/setup/requirements.mjs'))) as Requirements;

test.each([
  ['20.18.1', true],
  ['20.19.0', true],
  ['24.0.0', true],
  ['20.18.0', false],
  ['20.9.9', false],
  ['18.20.5', false],
])('Node %s is new enough: %s', async (version, enough) => {
  expect((await requirements()).isAtLeast(version, [20, 18, 1])).toBe(enough);
});

test('only what is missing is named, as the environment calls it', async () => {
  const { toolProblems } = await requirements();
  expect(toolProblems(() => true, {})).toEqual([]);
  expect(toolProblems((command) => command !== 'clang-99', { CC: 'clang-99' })).toEqual([
    'The native engine cannot be built without a C compiler ("clang-99"): on Debian and Ubuntu, apt-get install build-essential',
  ]);
});
