/** A gateway that waits for statuses and is told to end: at once, in order, and without saying what is not so. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { refusingAddress } from '../support/echo-backend.js';
import { eventually, within } from '../support/eventually.js';
import { SLUICE_BIN } from '../support/launch.js';
import { manifests } from '../support/manifests.js';

const PASSWORD = 'a-password-of-nobody';
let folder = '';
let child: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-wait-'));
});
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test('SIGTERM while it waits for a Redis that is away', async () => {
  const config = join(folder, 'config.yaml');
  writeFileSync(config, manifests({ services: { echo: [await refusingAddress()] } }));
  const { address, port } = await refusingAddress();
  const redis = ['--redis', `redis://user:${PASSWORD}@${address}:${port}`, '--health-wait', '1h'];
  const flags = ['--config', config, '--bind', '127.0.0.1', '--port-map', '80=0', '--admin', 'off'];
  const gateway = spawn(process.execPath, [SLUICE_BIN, 'serve', ...flags, ...redis], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = gateway;
  let text = '';
  for (const stream of [gateway.stdout, gateway.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  const ended = new Promise((resolve) => {
    gateway.on('close', (code, signal) => resolve({ code, signal }));
  });
  await eventually(() => expect(text).toMatch(/worker ready/), { budgetMs: 15_000 });
  await eventually(() => expect(text).toMatch(/no connection to Redis/), { budgetMs: 15_000 });
  gateway.kill('SIGTERM');
  expect(await within(ended, 10_000, () => 'it does not end')).toEqual({ code: 0, signal: null });
  expect(text).not.toMatch(/connections are accepted/);
  expect(text).not.toContain(PASSWORD);
});
