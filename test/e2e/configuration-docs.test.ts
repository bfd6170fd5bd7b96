/** Every YAML block of docs/configuration.md is a configuration that `sluice check` has nothing against; its commands work. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { sluice } from '../support/command.js';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string; readonly name: string };
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-docs-'));
  for (const command of commands) execFileSync('openssl', command, { cwd: folder, stdio: 'pipe' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const page = readFileSync('docs/configuration.md', 'utf8');
const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => ({
  line: page.slice(0, page.indexOf(text)).split('\n').length,
  manifests: parseAllDocuments(text).map((document) => document.toJS() as Manifest),
}));

const commands = [...page.matchAll(/^openssl (.*)$/gm)].map(([, rest = '']) => rest.split(' '));

const keyOf = ({ kind, metadata: { namespace = 'default', name } }: Manifest) => `${kind} ${namespace}/${name}`;

test('the page has recipes', () => {
  expect(blocks.length).toBeGreaterThan(5);
  expect(commands).toHaveLength(1);
});

test.each(blocks)('the block at line $line, beside the smallest configuration', async ({ line, manifests }) => {
  const own = new Set(manifests.map(keyOf));
  const base = (blocks[0]?.manifests ?? []).filter((manifest) => !own.has(keyOf(manifest)));
  const path = join(folder, `${line}.yaml`);
  writeFileSync(path, [...base, ...manifests].map((manifest) => stringify(manifest)).join('---\n'));
  const { code, stdout } = await sluice(['check', '--config', path, '-o', 'json']);
  expect({ code, issues: JSON.parse(stdout).issues }).toEqual({ code: 0, issues: [] });
});
