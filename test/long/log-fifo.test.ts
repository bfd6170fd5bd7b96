/** The access log into a FIFO whose reader comes late, leaves, and comes back. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseRecords } from '../support/access-log.js';
import { refusingAddress } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

let folder = '';
let fifo = '';
let readers: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-fifo-'));
  fifo = join(folder, 'log');
  execFileSync('mkfifo', [fifo]);
});
afterEach(() => {
  for (const reader of readers) reader.kill('SIGKILL');
  readers = [];
  rmSync(folder, { recursive: true, force: true });
});

/** A process that reads the FIFO until it is told to leave. */
function read(): { text: () => string; leave: () => Promise<void> } {
  const child = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'inherit'] });
  readers.push(child);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const left = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const leave = async () => {
    child.kill('SIGKILL');
    await left;
  };
  return { text: () => text, leave };
}

/** One record: a request that no route takes. */
async function request(gateway: Gateway, target: string): Promise<void> {
  const { client } = await RawClient.request(gateway, upgradeHead({ target }));
  client.destroy();
}

/** Sends requests until one of them is in the log; nobody can say how many were lost before. */
async function logsAgain(gateway: Gateway, text: () => string, target: string): Promise<void> {
  await eventually(async () => {
    await request(gateway, target);
    expect(text()).toContain(target);
  });
}

const options = async () => ({
  config: { services: { echo: [await refusingAddress()] }, routes: [] },
  flags: { 'access-log': fifo },
  expectErrors: true,
});

test('without a reader it starts, and logs when one has come', async () => {
  await withGateway(await options(), async (gateway) => {
    await request(gateway, '/lost');
    expect(await gateway.logged(({ msg }) => msg === 'access-log records lost')).toMatchObject({ total: 1 });
    expect(gateway.log).toContainEqual(expect.objectContaining({ code: 'ENXIO', level: 50 }));
    const { text, leave } = read();
    await logsAgain(gateway, text, '/read');
    expect(text()).not.toContain('/lost');
    await leave();
    await request(gateway, '/last'); // its descriptor is let go of when this cannot be written
  });
});

test('a reader leaves and another comes: what lies between is counted, the rest is read', async () => {
  await withGateway(await options(), async (gateway) => {
    const first = read();
    await logsAgain(gateway, first.text, '/first');
    await first.leave();
    await request(gateway, '/between');
    await gateway.logged(({ code }) => code === 'EPIPE');
    const second = read();
    await logsAgain(gateway, second.text, '/second');
    expect(parseRecords(second.text()).map(({ requestUri }) => requestUri)).not.toContain('/between');
    await second.leave();
    await request(gateway, '/last'); // its descriptor is let go of when this cannot be written
  });
});

test('SIGHUP says "opened again" only when there is a reader', async () => {
  await withGateway(await options(), async (gateway) => {
    gateway.child.kill('SIGHUP');
    await gateway.logged(({ msg = '' }) => msg.startsWith('access log cannot be opened again'));
    const { text, leave } = read();
    const opened = ({ msg }: { msg?: string }) => msg === 'access log opened again';
    await eventually(() => {
      gateway.child.kill('SIGHUP');
      expect(gateway.log.some(opened)).toBe(true);
    });
    await request(gateway, '/read');
    await eventually(() => expect(parseRecords(text())).toHaveLength(1));
    await leave();
    await request(gateway, '/last'); // its descriptor is let go of when this cannot be written
  });
});
