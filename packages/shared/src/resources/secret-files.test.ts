import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { gateway } from '../testing/manifests.js';
import { loadResources } from './load.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-secret-files-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, content: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, content, { mode });
  return path;
}

/** A configuration whose only Secret names these files. */
function load(annotations: Readonly<Record<string, string>>, from = 'conf') {
  mkdirSync(join(folder, from));
  const named = Object.entries(annotations).map(([name, path]) => `sluice.dev/${name}: ${JSON.stringify(path)}`);
  const secret = `apiVersion: v1\nkind: Secret\nmetadata: { name: web, annotations: { ${named.join(', ')} } }\n`;
  const { resources, issues, files } = loadResources([write(join(from, 'a.yaml'), `${gateway()}---\n${secret}`)]);
  expect(issues).toEqual([]);
  return { files, read: resources.secrets[0]?.spec.files };
}

test('files by their whole path, and from the folder of the manifest', () => {
  write('chain', 'CHAIN\n');
  write('key', 'KEY');
  const { read, files } = load({ 'certificate-file': join(folder, 'chain'), 'key-file': '../key' });
  expect(read).toEqual({
    certificateFile: { path: join(folder, 'chain'), text: 'CHAIN\n', fault: '', hint: '', forEverybody: false },
    keyFile: { path: join(folder, 'key'), text: 'KEY', fault: '', hint: '', forEverybody: false },
  });
  expect(files.map(({ path }) => path)).toEqual([join(folder, 'chain'), join(folder, 'key')]);
});

test('what comes from a pipe has paths from the working folder', () => {
  const manifest = `${gateway()}---\napiVersion: v1\nkind: Secret\nmetadata: { name: a, annotations: { sluice.dev/ca-file: ca.pem } }\n`;
  for (const path of ['-', '/dev/null']) {
    const { files } = loadResources([path], new Map([[path, new TextEncoder().encode(manifest)]]));
    expect(files.map((file) => file.path)).toEqual([resolve('ca.pem')]);
  }
});

test.each<[string, () => string, string]>([
  ['nothing', () => join(folder, 'none'), 'does not exist'],
  ['an empty file', () => write('empty', ''), 'is empty'],
  ['too much', () => write('large', Buffer.alloc(1024 ** 2 + 1, 'x')), 'is larger than 1 MiB'],
  ['a folder', () => folder, 'is a folder'],
  ['a device', () => '/dev/null', 'is not a regular file'],
  ['a link to itself', () => linked('loop', 'loop'), 'cannot be read: ELOOP'],
  ['a link to nothing', () => linked('dangling', 'none'), 'does not exist'],
])('%s is told of', (_what, path, fault) => {
  const { read } = load({ 'key-file': path() });
  expect(read?.keyFile?.fault).toContain(fault);
  expect(read?.keyFile?.text).toBe('');
});

function linked(name: string, to: string): string {
  symlinkSync(to, join(folder, name));
  return join(folder, name);
}

test('1 MiB is not too much', () => {
  expect(load({ 'ca-file': write('ca', Buffer.alloc(1024 ** 2, 'x')) }).read?.caFile).toMatchObject({ fault: '' });
});

test.runIf(process.getuid?.() !== 0)('a file of somebody else', () => {
  expect(load({ 'key-file': write('key', 'KEY', 0o000) }).read?.keyFile?.fault).toBe('may not be read by this user');
});

test.each([
  [0o600, 0o755, false],
  [0o640, 0o755, false],
  [0o644, 0o755, true],
  [0o644, 0o700, false],
])('a file of mode %o in a folder of mode %o', (mode, folderMode, forEverybody) => {
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'archive'));
  const key = write(join('archive', 'key'), 'KEY');
  chmodSync(key, mode);
  chmodSync(join(folder, 'archive'), folderMode);
  linked('live', 'archive');
  expect(load({ 'key-file': join(folder, 'live', 'key') }).read?.keyFile?.forEverybody).toBe(forEverybody);
});

test('a signature is of the file that was read: another one in its place has another', () => {
  const path = write('key', 'KEY');
  const [before] = load({ 'key-file': path }).files;
  write('next', 'KEY');
  rmSync(path);
  symlinkSync('next', path);
  const [after] = load({ 'key-file': path }, 'again').files;
  expect(after?.path).toBe(before?.path);
  expect(after?.signature).not.toBe(before?.signature);
});
