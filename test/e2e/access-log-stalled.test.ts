/** A reader of the access log that stops: traffic goes on, and every record is either written or counted as dropped. */
import { execFileSync } from 'node:child_process';
import { createReadStream, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseRecords } from '../support/access-log.js';
import { refusingAddress } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import type { LogLine } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

const REQUESTS = 3_000;
const LANES = 30;

/** Records that the gateway says it dropped, over all of its log lines. */
function droppedOf(log: readonly LogLine[]): number {
  return log.reduce((sum, line) => sum + (typeof line.dropped === 'number' ? line.dropped : 0), 0);
}

test('a stalled reader', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-fifo-'));
  const fifo = join(folder, 'log');
  execFileSync('mkfifo', [fifo]);
  // Both ends in one: opening never blocks, and nothing is read until the stream below begins.
  const reader = openSync(fifo, 'r+');
  const config = { services: { echo: [await refusingAddress()] }, routes: [] };
  const flags = { 'access-log': fifo, 'access-log-ring-bytes': '65536' };
  try {
    await withGateway({ config, flags, expectErrors: true }, async (gateway) => {
      const lane = async () => {
        for (let done = 0; done < REQUESTS / LANES; done += 1) {
          const { client, answer } = await RawClient.request(gateway, upgradeHead());
          expect(answer.status).toBe(404);
          client.destroy();
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      await gateway.settled();
      let text = '';
      const stream = createReadStream('', { fd: reader, autoClose: false }).setEncoding('utf8');
      stream.on('data', (chunk) => {
        text += chunk;
      });
      await eventually(
        () => {
          const written = parseRecords(text).length;
          expect(written).toBeGreaterThan(0);
          expect(written).toBeLessThan(REQUESTS);
          expect(written + droppedOf(gateway.log)).toBe(REQUESTS);
        },
        { budgetMs: 10_000, intervalMs: 100 },
      );
      stream.destroy();
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
