/** Which build of a program runs: its bundle, as long as nothing was compiled behind it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { isFresh, programEntry } from '@sluice/shared/cli/program';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { SLUICE_BIN } from '../support/launch.js';

const root = mkdtempSync(path.join(tmpdir(), 'sluice-bundle-'));
const bin = pathToFileURL(path.join(root, 'dataplane/bin/sluice.js')).href;
const entry = (build: string) => new URL(`../${build}/cli/main.js`, bin).href;

/** Made so many seconds after 1970. */
function file(name: string, atS: number): void {
  const full = path.join(root, name);
  mkdirSync(path.dirname(full), { recursive: true });
  writeFileSync(full, '');
  utimesSync(full, atS, atS);
}

beforeEach(() => rmSync(root, { recursive: true, force: true }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('without a bundle what was compiled runs', () => {
  file('shared/dist/.tsbuildinfo', 1);
  expect(programEntry(bin)).toBe(entry('dist'));
});

test('a bundle runs where nothing was compiled since', () => {
  for (const name of ['shared', 'healthd', 'dataplane']) file(`${name}/dist/.tsbuildinfo`, 1);
  file('dataplane/bundle/cli/main.js', 2);
  expect(programEntry(bin)).toBe(entry('bundle'));
});

test('a bundle runs where nothing can be compiled', () => {
  file('dataplane/bundle/cli/main.js', 2);
  expect(programEntry(bin)).toBe(entry('bundle'));
});

test.each(['shared', 'healthd', 'dataplane'])('a bundle is old when %s was compiled since', (name) => {
  file('dataplane/bundle/cli/main.js', 2);
  file(`${name}/dist/.tsbuildinfo`, 3);
  expect(programEntry(bin)).toBe(entry('dist'));
});

test('both builds of the command are the same program', () => {
  const run = (build: string) => {
    const main = new URL(`../${build}/cli/main.js`, pathToFileURL(SLUICE_BIN));
    expect(isFresh(main, [])).toBe(true);
    const { status, stdout, stderr } = spawnSync(process.execPath, [main.pathname, 'serve', '--help'], {
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  expect(run('bundle')).toEqual(run('dist'));
  expect(run('dist').status).toBe(0);
});
