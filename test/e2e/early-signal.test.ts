/**
 * Signals before the gateway is ready. Its configuration is a FIFO: opening the writing end succeeds at the moment at
 * which the process reads it, and keeps it there until something has been written.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { refusingAddress } from '../support/echo-backend.js';
import { eventually, within } from '../support/eventually.js';
import { SLUICE_BIN } from '../support/launch.js';
import { manifests } from '../support/manifests.js';

let folder = '';
let config = '';
let child: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-signal-'));
  config = join(folder, 'config.yaml');
  execFileSync('mkfifo', [config]);
});
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

interface Started {
  readonly process: ChildProcess;
  readonly stdout: () => string;
  readonly end: () => Promise<unknown>;
}

function start(): Started {
  const flags = ['--config', config, '--bind', '127.0.0.1', '--port-map', '80=0', '--admin', 'off'];
  const process_ = spawn(process.execPath, [SLUICE_BIN, 'serve', ...flags, '--access-log', 'off'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  child = process_;
  let text = '';
  process_.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const ended = new Promise((resolve) => {
    process_.on('close', (code, signal) => resolve({ code, signal }));
  });
  return { process: process_, stdout: () => text, end: () => within(ended, 10_000, () => 'it does not end') };
}

/** Waits until the process reads its configuration. */
async function reading(): Promise<number> {
  return await eventually(() => openSync(config, constants.O_WRONLY | constants.O_NONBLOCK), { budgetMs: 15_000 });
}

/** One that was told to end may have closed its end of the FIFO already: how it ended is what tests look at. */
async function configure(writer: number): Promise<void> {
  const text = manifests({ services: { echo: [await refusingAddress()] } });
  try {
    writeSync(writer, text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  } finally {
    closeSync(writer);
  }
}

test.each(['SIGTERM', 'SIGINT'] as const)('%s while it starts: it ends with 0 and is never ready', async (signal) => {
  const started = start();
  const writer = await reading();
  started.process.kill(signal);
  await configure(writer);
  expect(await started.end()).toEqual({ code: 0, signal: null });
  expect(started.stdout()).toBe('');
});

test('SIGHUP while it starts does not end it', async () => {
  const started = start();
  const writer = await reading();
  started.process.kill('SIGHUP');
  await configure(writer);
  await eventually(() => expect(started.stdout()).toContain('"ready"'), { budgetMs: 15_000 });
  started.process.kill('SIGTERM');
  expect(await started.end()).toEqual({ code: 0, signal: null });
});

/** Bit of SIGHUP in the mask of caught signals: Node catches others by itself, this one only for us. */
const catchesHangUp = (pid: number) => {
  const mask = /SigCgt:\s*([0-9a-f]+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (BigInt(`0x${mask ?? '0'}`) & 1n) === 1n;
};

test('SIGTERM while it still loads', async () => {
  const started = start();
  await eventually(() => expect(catchesHangUp(started.process.pid ?? 0)).toBe(true), { intervalMs: 1 });
  started.process.kill('SIGTERM');
  // It may have come so far that it reads: then it waits for this.
  const writer = eventually(() => openSync(config, constants.O_WRONLY | constants.O_NONBLOCK), { budgetMs: 1_500 });
  await writer.then(configure, () => undefined);
  expect(await started.end()).toEqual({ code: 0, signal: null });
  expect(started.stdout()).toBe('');
});
