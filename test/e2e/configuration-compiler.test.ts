/** The compiler's thread: what it answers, what it remembers, and that its death is nobody else's. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompileOutcome } from '@sluice/shared/configuration/compiled';
import { ThreadCompiler } from '@sluice/shared/configuration/compiler';
import { firstConfiguration } from '@sluice/shared/configuration/first';
import { openSource } from '@sluice/shared/configuration/source';
import { openSnapshot } from '@sluice/shared/snapshot/view';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Manifest, manifests } from '../support/manifests.js';
import { Authority } from '../support/tls-authority.js';
import { fileSecret, tlsSecret } from '../support/tls-manifests.js';

const ENDPOINT = { address: '127.0.0.1', port: 9 };
let folder = '';
let file = '';
const compilers: ThreadCompiler[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-compiler-'));
  file = join(folder, 'config.yaml');
});
afterEach(async () => {
  for (const compiler of compilers.splice(0)) await compiler.close();
  rmSync(folder, { recursive: true });
});

function write(...services: string[]): void {
  const described = Object.fromEntries(services.map((name) => [name, [ENDPOINT]]));
  const routes = services.map((name) => ({ name, rules: [{ prefix: `/${name}`, backends: [name] }] }));
  writeFileSync(file, manifests({ services: described, routes }));
}

async function compilerOf(
  more: { heapMiB?: number; idleMs?: number; timeoutMs?: number } = {},
): Promise<ThreadCompiler> {
  const compiler = new ThreadCompiler({ source: await openSource([file]), ...more });
  compilers.push(compiler);
  return compiler;
}

test.each([60_000, 0])(
  'says what is new and what is not, also when its thread is another one (idle %i ms)',
  async (idleMs) => {
    write('one');
    const compiler = await compilerOf({ idleMs });
    const first = await firstConfiguration(compiler);
    const view = openSnapshot(first.snapshot);
    expect(view.version).toBe(first.version);
    expect(JSON.parse(first.statuses)).toBeInstanceOf(Array);
    expect(await compiler.compile()).toMatchObject({ type: 'unchanged', version: first.version });
    write('another', 'one');
    const second = await compiler.compile();
    if (second.type !== 'compiled') throw new Error(JSON.stringify(second));
    expect(second.version).not.toBe(first.version);
    // What was counted under a group stays there.
    expect(openSnapshot(second.snapshot).groups.slice(0, view.groups.length)).toEqual(view.groups);
  },
);

test('a configuration with errors is refused, with all of them; the next one counts again', async () => {
  write('one');
  const compiler = await compilerOf();
  const { version } = await firstConfiguration(compiler);
  writeFileSync(file, 'kind: Gateway\n---\nkind: [');
  const refused = await compiler.compile();
  expect(refused.type).toBe('refused');
  expect(refused.issues.map(({ severity, line }) => [severity, line])).toContainEqual(['error', 1]);
  rmSync(file);
  expect(await compiler.compile()).toMatchObject({ type: 'refused', issues: [{ message: 'does not exist' }] });
  write('one');
  expect(await compiler.compile()).toMatchObject({ type: 'unchanged', version });
});

test.each([60_000, 0])(
  'a file of a certificate: missing at the start is a condition, lost later a refusal (idle %i ms)',
  async (idleMs) => {
    const authority = new Authority(folder, 'ca');
    const [web, other] = ['web', 'other'].map((name) => authority.issue(name));
    const key = join(folder, 'web.key');
    writeFileSync(join(folder, 'web.crt'), web?.chain ?? '');
    const listeners = [{ name: 'plain' }, { name: 'web', port: 443, secrets: ['web'] }];
    const more = [fileSecret('web', { 'certificate-file': 'web.crt', 'key-file': 'web.key' })];
    writeFileSync(file, manifests({ listeners, services: { echo: [ENDPOINT] }, more }));
    const compiler = await compilerOf({ idleMs });
    const served = (outcome: CompileOutcome) => {
      if (outcome.type !== 'compiled') throw new Error(JSON.stringify(outcome));
      return openSnapshot(outcome.snapshot).listeners.map(({ name }) => name);
    };
    const first = await firstConfiguration(compiler);
    expect(served(first)).toEqual(['plain']);
    expect(first.files.map(({ path }) => path)).toEqual([join(folder, 'web.crt'), key]);
    writeFileSync(key, other?.key ?? '');
    expect(await compiler.compile()).toMatchObject({ type: 'unchanged' });
    writeFileSync(key, web?.key ?? '');
    expect(served(await compiler.compile())).toEqual(['plain', 'web']);
    for (const damage of [() => writeFileSync(key, other?.key ?? ''), () => rmSync(key)]) {
      damage();
      const { type, issues, files } = await compiler.compile();
      expect([type, files.length]).toEqual(['refused', 2]);
      expect(issues.filter(({ severity }) => severity === 'error')).toMatchObject([{ resource: 'Secret test/web' }]);
    }
    writeFileSync(key, web?.key ?? '');
    expect(await compiler.compile()).toMatchObject({ type: 'unchanged' });
  },
);

test('a Secret in force of which the key no longer fits is a refusal; one that is gone is a condition', async () => {
  const authority = new Authority(folder, 'ca');
  const [web, other] = ['web', 'other'].map((name) => authority.issue(name));
  if (web === undefined || other === undefined) throw new Error('there are no certificates');
  const listeners = [{ name: 'plain' }, { name: 'web', port: 443, secrets: ['web'] }];
  const write = (more: Manifest[]) =>
    writeFileSync(file, manifests({ listeners, services: { echo: [ENDPOINT] }, more }));
  write([tlsSecret('web', web)]);
  const compiler = await compilerOf();
  await firstConfiguration(compiler);
  write([tlsSecret('web', { ...web, key: other.key })]);
  const { type, issues } = await compiler.compile();
  expect(type).toBe('refused');
  expect(issues.filter(({ severity }) => severity === 'error')).toMatchObject([{ resource: 'Secret test/web', file }]);
  expect(JSON.stringify(issues)).not.toContain('PRIVATE KEY');
  write([tlsSecret('web', web)]);
  expect(await compiler.compile()).toMatchObject({ type: 'unchanged' });
  write([]);
  expect(await compiler.compile()).toMatchObject({ type: 'compiled' });
});

test('a configuration that cannot be started with is an error with every problem', async () => {
  writeFileSync(file, 'kind: Gateway\n');
  await expect(firstConfiguration(await compilerOf())).rejects.toMatchObject({
    code: 3,
    message: expect.stringContaining(file),
  });
});

test('a thread that runs out of memory or time refuses; the process and the last configuration stay', async () => {
  write('one');
  const starved = await compilerOf({ heapMiB: 24 });
  const { version } = await firstConfiguration(starved);
  const services = Array.from({ length: 3000 }, (_, index) => `service-${index}`);
  write(...services);
  expect(await starved.compile()).toMatchObject({
    type: 'refused',
    issues: [{ message: expect.stringMatching(/cannot be compiled: .*memory/) }],
  });
  write('one');
  expect(await starved.compile()).toMatchObject({ type: 'unchanged', version });
  write(...services);
  const hasty = await compilerOf({ timeoutMs: 50 });
  expect(await hasty.compile()).toMatchObject({
    type: 'refused',
    issues: [{ message: expect.stringContaining('longer') }],
  });
});

test('standard input is read once, and compiled like a file', async () => {
  write('one');
  const { version } = await firstConfiguration(await compilerOf());
  const text = Buffer.from(
    manifests({
      services: { one: [ENDPOINT] },
      routes: [{ name: 'one', rules: [{ prefix: '/one', backends: ['one'] }] }],
    }),
  );
  async function* input() {
    yield text.subarray(0, 100);
    yield text.subarray(100);
  }
  const compiler = new ThreadCompiler({ source: await openSource(['-'], input()) });
  compilers.push(compiler);
  expect(await compiler.compile()).toMatchObject({ type: 'compiled', version });
  expect(await compiler.compile()).toMatchObject({ type: 'unchanged', version });
});

test('what waits when it is closed is refused', async () => {
  write('one');
  const compiler = await compilerOf();
  const waiting = [compiler.compile(), compiler.compile()];
  await compiler.close();
  for (const outcome of await Promise.all(waiting)) expect(outcome.type).toBe('refused');
});
