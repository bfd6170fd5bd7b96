/** The watcher: every way in which files are changed is told of, and what is none of its business is not. */
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSignature } from '@sluice/shared/configuration/folders';
import { ConfigurationWatcher } from '@sluice/shared/configuration/watcher';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Certbot } from '../support/certbot.js';
import { eventually } from '../support/eventually.js';

/** So that only events can be what is told of. */
const NEVER_MS = 600_000;
let folder = '';
let calls = 0;
let watcher: ConfigurationWatcher | undefined;
const warnings: unknown[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-watcher-'));
  calls = 0;
  warnings.length = 0;
});
afterEach(() => {
  watcher?.close();
  rmSync(folder, { recursive: true });
});

function at(...names: string[]): string {
  return join(folder, ...names);
}

async function watchPaths(paths: readonly string[], more: { lookMs?: number; quietMs?: number } = {}): Promise<void> {
  const log = { warn: (...line: unknown[]) => void warnings.push(line) };
  const onChange = () => {
    calls += 1;
  };
  watcher = new ConfigurationWatcher({ paths, onChange, log, quietMs: 20, lookMs: NEVER_MS, ...more });
  await watcher.start();
}

async function told(change: () => void): Promise<void> {
  const before = calls;
  change();
  await eventually(() => expect(calls).toBeGreaterThan(before));
}

/** What came before is told of when this is: events keep their order. */
async function toldOnce(change: () => void): Promise<void> {
  const before = calls;
  await told(change);
  expect(calls).toBe(before + 1);
}

test('a file: written, replaced, removed, made again', async () => {
  const file = at('config.yaml');
  writeFileSync(file, 'a');
  await watchPaths([file]);
  await told(() => appendFileSync(file, 'b'));
  writeFileSync(at('next'), 'c');
  await told(() => renameSync(at('next'), file));
  await told(() => rmSync(file));
  await told(() => writeFileSync(file, 'd'));
  await told(() => appendFileSync(file, 'e'));
});

test('a folder: files come, change and go; what is no manifest is nothing', async () => {
  mkdirSync(at('conf'));
  await watchPaths([at('conf')]);
  for (const name of ['.a.yaml.swp', 'notes.txt', 'access.log', '4913']) writeFileSync(at('conf', name), 'x');
  await toldOnce(() => writeFileSync(at('conf', 'a.yaml'), 'a'));
  await told(() => appendFileSync(at('conf', 'a.yaml'), 'b'));
  await told(() => renameSync(at('conf', 'a.yaml'), at('conf', 'b.yml')));
  await told(() => rmSync(at('conf', 'b.yml')));
});

test('a folder that is removed and made again, and one that is replaced', async () => {
  mkdirSync(at('conf'));
  writeFileSync(at('conf', 'a.yaml'), 'a');
  await watchPaths([at('conf')]);
  await told(() => rmSync(at('conf'), { recursive: true }));
  await told(() => mkdirSync(at('conf')));
  await told(() => writeFileSync(at('conf', 'a.yaml'), 'b'));
  mkdirSync(at('other'));
  writeFileSync(at('other', 'a.yaml'), 'c');
  await told(() => {
    renameSync(at('conf'), at('old'));
    renameSync(at('other'), at('conf'));
  });
  await told(() => appendFileSync(at('conf', 'a.yaml'), 'd'));
});

/** As the kubelet writes a ConfigMap: a new folder, and a link to it that is renamed over the old one. */
function project(generation: number, root = folder): void {
  mkdirSync(join(root, `..${generation}`));
  writeFileSync(join(root, `..${generation}`, 'config.yaml'), String(generation));
  symlinkSync(`..${generation}`, join(root, '..data_tmp'));
  renameSync(join(root, '..data_tmp'), join(root, '..data'));
  rmSync(join(root, `..${generation - 1}`), { recursive: true, force: true });
}

test.each(['the folder', 'one file of it', 'a file that is named'])('a projected volume, by %s', async (by) => {
  project(1);
  const file = at('config.yaml');
  symlinkSync(join('..data', 'config.yaml'), file);
  const named = by === 'a file that is named';
  await watchPaths(named ? [] : [by === 'the folder' ? folder : file]);
  if (named) await watcher?.follow([await asRead(file)]);
  await told(() => project(2));
  await told(() => project(3));
});

test('what a link leads to, and the link', async () => {
  for (const name of ['one', 'two', 'links']) mkdirSync(at(name));
  for (const name of ['one', 'two']) writeFileSync(at(name, 'real.yaml'), name);
  symlinkSync(at('one'), at('links', 'current'));
  await watchPaths([at('links', 'current', 'real.yaml')]);
  await told(() => appendFileSync(at('one', 'real.yaml'), 'x'));
  await told(() => {
    symlinkSync(at('two'), at('links', 'next'));
    renameSync(at('links', 'next'), at('links', 'current'));
  });
  await told(() => appendFileSync(at('two', 'real.yaml'), 'x'));
});

test('a path that is not there yet', async () => {
  await watchPaths([at('deep', 'er', 'config.yaml')]);
  await told(() => mkdirSync(at('deep', 'er'), { recursive: true }));
  await told(() => writeFileSync(at('deep', 'er', 'config.yaml'), 'a'));
});

/** As whoever read the file now would say it. */
async function asRead(path: string) {
  return { path, signature: await fileSignature(path) };
}

test('files that the configuration names: followed while it does, over links too', async () => {
  const certbot = new Certbot(at('letsencrypt'));
  const pairs = ['one', 'two'].map((key) => certbot.issue({ chain: 'chain', key }));
  for (const { turnKey } of pairs.slice(0, 1)) turnKey();
  await watchPaths([at('config.yaml')]);
  await watcher?.follow([await asRead(certbot.key)]);
  expect(calls).toBe(0);
  await told(() => pairs[1]?.turnKey());
  await told(() => appendFileSync(at('letsencrypt', 'archive', 'privkey2.pem'), 'x'));
  await watcher?.follow([]);
  appendFileSync(at('letsencrypt', 'archive', 'privkey2.pem'), 'x');
  await toldOnce(() => writeFileSync(at('config.yaml'), 'a'));
});

test('a named file that has changed before it was watched is told of, once', async () => {
  const [file, other] = [at('tls.key'), at('ca.crt')];
  for (const path of [file, other]) writeFileSync(path, 'a');
  const read = [await asRead(file), await asRead(other)];
  appendFileSync(file, 'b');
  // Nothing else is watched: the configuration came from standard input.
  await watchPaths([]);
  await told(() => void watcher?.follow(read));
  await watcher?.follow(read);
  await toldOnce(() => appendFileSync(other, 'b'));
});

test('many events are few calls, and the last of them is told of', async () => {
  const file = at('config.yaml');
  writeFileSync(file, '');
  await watchPaths([file], { quietMs: 100 });
  for (let count = 0; count < 200; count += 1) appendFileSync(file, 'x');
  await eventually(() => expect(calls).toBe(1));
  await told(() => appendFileSync(file, 'x'));
  expect(calls).toBe(2);
});

test('events that were missed are found by looking', async () => {
  const file = at('config.yaml');
  writeFileSync(file, 'a');
  // Nothing is watched inside of the 300th folder: its files are looked at.
  const folders = Array.from({ length: 300 }, (_, index) => at(`f${index}`));
  for (const path of folders) mkdirSync(path);
  await watchPaths(folders, { lookMs: 50 });
  await told(() => writeFileSync(join(folders.at(-1) ?? '', 'a.yaml'), 'a'));
  expect(warnings).toEqual([]);
});
