import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { gateway, route, service } from '../testing/manifests.js';
import { loadResources } from './load.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-load-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

test('a folder is its manifests by name: no hidden files, no sub-folders, nothing else', () => {
  write('b.yml', route());
  write('a.yaml', gateway());
  write('c.json', JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'c' }, spec: {} }));
  for (const name of ['.hidden.yaml', 'notes.txt', 'a.yaml.bak', 'package.json']) write(name, 'not: a manifest');
  mkdirSync(join(folder, 'sub.yaml'));
  writeFileSync(join(folder, 'sub.yaml', 'd.yaml'), service('d'));
  const { resources, issues } = loadResources([folder]);
  expect(issues).toEqual([]);
  expect(
    [...resources.gateways, ...resources.httpRoutes, ...resources.services].map(({ origin }) => origin.file),
  ).toEqual(['a.yaml', 'b.yml', 'c.json'].map((name) => join(folder, name)));
});

test('several paths are one configuration', () => {
  const { resources, issues } = loadResources([write('a.yaml', gateway()), write('b.yaml', route())]);
  expect(issues).toEqual([]);
  expect([resources.gateways.length, resources.httpRoutes.length]).toEqual([1, 1]);
});

test('a path that does not exist, an empty folder and a file that is not UTF-8 are errors of their own', () => {
  mkdirSync(join(folder, 'empty'));
  const binary = write('binary.yaml', new Uint8Array([0x61, 0xff, 0xfe]));
  const { issues } = loadResources([join(folder, 'nowhere'), join(folder, 'empty'), binary]);
  expect(issues.map(({ file, line, message }) => [file, line, message])).toEqual([
    [join(folder, 'nowhere'), 0, 'does not exist'],
    [join(folder, 'empty'), 0, 'contains no *.yaml, *.yml or *.json file'],
    [binary, 0, 'is not UTF-8 text'],
  ]);
});

test('any other failure of the file system is an error with its own words', () => {
  const { issues } = loadResources([join(write('a.yaml', gateway()), 'b.yaml')]);
  expect(issues[0]?.message).toMatch(/^cannot be read: ENOTDIR/);
});

test('a configuration without a Gateway is an error', () => {
  const { issues } = loadResources([write('a.yaml', route())]);
  expect(issues).toMatchObject([{ severity: 'error', line: 0, message: 'contains no Gateway' }]);
});

test('that a Gateway is missing is not said of one that is wrong', () => {
  const { issues } = loadResources([write('a.yaml', gateway({ listeners: ['name: a'] }))]);
  expect(issues.map(({ message }) => message)).toEqual(['is required', 'is required']);
});

test('a file that is named twice is read once, and so is standard input', () => {
  const file = write('a.yaml', gateway());
  const { resources, issues } = loadResources([folder, file, `${folder}/./a.yaml`]);
  expect(issues).toEqual([]);
  expect(resources.gateways).toHaveLength(1);
  const streams = new Map([['-', new TextEncoder().encode(gateway())]]);
  expect(loadResources(['-', '-'], streams).issues).toEqual([]);
});

test('a folder that has its manifests in sub-folders says so', () => {
  mkdirSync(join(folder, 'sub'));
  expect(loadResources([folder]).issues).toMatchObject([
    { message: 'contains no *.yaml, *.yml or *.json file', hint: expect.stringContaining('--config') },
  ]);
});
