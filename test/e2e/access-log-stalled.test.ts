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

test('a stalled reader', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-fifo-'));
  const fifo = join(folder, 'log');
  execFileSync('mkfifo', [fifo]);
  // Both ends in one: opening never blocks, and nothing is read until the stream below begins.
  const reader = openSync(fifo, 'r+');
  const gateway = await Gateway.start({
    config: { services: { echo: [await refusingAddress()] }, routes: [] },
    flags: { 'access-log': fifo, 'access-log-ring-bytes': '65536' },
  });
  const stream = createReadStream('', { fd: reader });
  try {
    await refusedRequests(gateway);
    await gateway.settled();
    await gateway.logged(({ msg }) => msg === 'access-log records lost');
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    gateway.child.kill('SIGTERM');
    expect((await gateway.end()).code).toBe(0);
    await eventually(() => {
      const written = parseRecords(text).length;
      expect(written).toBeGreaterThan(0);
      expect(written).toBeLessThan(REQUESTS);
      expect(written + lostOf(gateway.log)).toBe(REQUESTS);
    });
  } finally {
    await gateway.kill();
    stream.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
});
