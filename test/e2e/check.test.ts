/** `sluice check`: the whole command over real files; what it prints is held by check-report.test.ts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sluice } from '../support/command.js';
import { manifests } from '../support/manifests.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-check-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const GOOD = manifests({ services: { echo: [{ address: '127.0.0.1', port: 9 }] } });

test('a good configuration: 0, and its version in every format', async () => {
  const path = written('good.yaml', GOOD);
  const [table, json, yaml] = await Promise.all([
    sluice(['check', '--config', path]),
    sluice(['check', '--config', path, '-o', 'json']),
    sluice(['check', '--config', path, '--output', 'yaml']),
  ]);
  const { version, ok } = JSON.parse(json.stdout);
  expect(ok).toBe(true);
  expect(version).toMatch(/^[0-9a-f]{16}$/);
  expect([table.code, json.code, yaml.code]).toEqual([0, 0, 0]);
  expect(table.stdout).toContain(`version ${version}`);
  expect(yaml.stdout).toContain(`version: ${version}`);
  expect([table.stderr, json.stderr, yaml.stderr]).toEqual(['', '', '']);
});

test('every problem at once, with its place, and 1', async () => {
  const text = GOOD.replace('"gatewayClassName"', '"gatewayClassname"').replace('"listeners"', '"listners"');
  const path = written('bad.yaml', text);
  const { code, stdout } = await sluice(['check', '--config', path]);
  expect(code).toBe(1);
  const errors = stdout.split('\n').filter((line) => / error: /.test(line));
  expect(errors.length).toBeGreaterThanOrEqual(3);
  for (const line of errors) expect(line).toMatch(/bad\.yaml:\d+:\d+: error: Gateway /);
  expect(stdout).toMatch(/^\d+ errors/m);
});

test('an object that was refused is not missing as well', async () => {
  const wrong = GOOD.replace('"protocol": "TCP"', '"protocol": "tpc"');
  expect(wrong).not.toBe(GOOD);
  const { stdout } = await sluice(['check', '--config', written('refused.yaml', wrong), '-o', 'json']);
  expect(JSON.parse(stdout).issues).toMatchObject([
    { severity: 'error', resource: expect.stringMatching(/^Service /) },
  ]);
  const messages = stdout.split('\n').filter((line) => line.includes('"message": "spec.rules'));
  expect(messages.join()).toMatch(/Service \S+ has errors/);
  expect(stdout).not.toContain('there is no Service');
});

test('a format that there is not: 2', async () => {
  const { code, stderr } = await sluice(['check', '--config', folder, '-o', 'xml']);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringMatching(/--output must be one of table, json, yaml/),
  });
});

test('a large report reaches a reader whole', async () => {
  const texts = Array.from(
    { length: 2000 },
    (_, at) => `apiVersion: example.com/v1\nkind: Kind${at}\nmetadata: { name: x }\n`,
  );
  const path = written('many.yaml', [GOOD, ...texts].join('\n---\n'));
  const { code, stdout } = await sluice(['check', '--config', path, '-o', 'json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout).issues).toHaveLength(2000);
});
