/** A reader of the access log that stops: traffic goes on, and every record is either written or counted as lost. */
import { execFileSync } from 'node:child_process';
import { createReadStream, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseRecords } from '../support/access-log.js';
import { refusingAddress } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { Gateway, type LogLine } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';

const REQUESTS = 3_000;
const LANES = 30;

/** Records that the gateway says it lost, over all of its log lines. */
function lostOf(log: readonly LogLine[]): number {
  return log.reduce((sum, { msg, records }) => sum + (msg === 'access-log records lost' ? Number(records) : 0), 0);
}

async function refusedRequests(gateway: Gateway): Promise<void> {
  const lane = async () => {
    for (let done = 0; done < REQUESTS / LANES; done += 1) {
      const { client, answer } = await RawClient.request(gateway, upgradeHead());
      expect(answer.status).toBe(404);
      client.destroy();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

interface Stalled {
  readonly gateway: Gateway;
  /** Begins to read the access log. */
  read(): void;
  /** What has been read of it. */
  text(): string;
}

/** A gateway whose access log goes to a pipe that nobody reads yet. */
async function stalled(flags: Readonly<Record<string, string>>, body: (log: Stalled) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-fifo-'));
  const fifo = join(folder, 'log');
  execFileSync('mkfifo', [fifo]);
  // Both ends in one: opening never blocks, and nothing is read until the stream below begins.
  const stream = createReadStream('', { fd: openSync(fifo, 'r+') }).setEncoding('utf8');
  const gateway = await Gateway.start({
    config: { services: { echo: [await refusingAddress()] }, routes: [] },
    flags: { 'access-log': fifo, ...flags },
  });
  let text = '';
  const read = () => {
    stream.on('data', (chunk) => {
      text += chunk;
    });
  };
  try {
    await body({ gateway, read, text: () => text });
  } finally {
    await gateway.kill();
    stream.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
}

test('a stalled reader', async () => {
  await stalled({ 'access-log-ring-bytes': '65536' }, async ({ gateway, read, text }) => {
    await refusedRequests(gateway);
    await gateway.settled();
    await gateway.logged(({ msg }) => msg === 'access-log records lost');
    read();
    gateway.child.kill('SIGTERM');
    expect((await gateway.end()).code).toBe(0);
    await eventually(() => {
      const written = parseRecords(text()).length;
      expect(written).toBeGreaterThan(0);
      expect(written).toBeLessThan(REQUESTS);
      expect(written + lostOf(gateway.log)).toBe(REQUESTS);
    });
  });
});

test('a stalled reader pauses accepting where records must not be lost', async () => {
  const flags = { 'access-log-ring-bytes': '1MiB', 'access-log-when-full': 'pause', workers: '1' };
  await stalled(flags, async ({ gateway, read, text }) => {
    const requests = refusedRequests(gateway);
    await gateway.logged(({ msg }) => msg === 'accepting pauses: the access log cannot keep up', 20_000);
    read();
    await requests;
    await gateway.logged(({ msg }) => msg === 'accepting goes on');
    await gateway.settled();
    gateway.child.kill('SIGTERM');
    expect((await gateway.end()).code).toBe(0);
    await eventually(() => expect(parseRecords(text())).toHaveLength(REQUESTS));
    expect(lostOf(gateway.log)).toBe(0);
  });
});
