/** Meters and orders between threads: one counts and orders what another's engine does, also when that one has died. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { OrdersSeen } from '../support/attachment-orders-main.js';

/** Compiled, because threads of Node 20 run no TypeScript. */
const PROGRAM = fileURLToPath(new URL('../dist/support/attachment-orders-main.js', import.meta.url));

test('connections are counted by group, and ended by endpoint, over the death of their worker', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM], { timeout: 50_000 });
  const seen = JSON.parse(stdout) as OrdersSeen;
  const before = { opened: 1, 'client-aborted': 1 };
  const ended = { 'endpoint-unhealthy': 2 };
  expect(seen).toEqual({
    refused: [
      ...['ERR_SLUICE_ARGUMENTS', 'ERR_SLUICE_ARGUMENTS', 'ERR_SLUICE_ARGUMENTS'],
      ...['ERR_SLUICE_REASON', 'ERR_SLUICE_ARGUMENTS', 'ERR_SLUICE_ARGUMENTS', 'ERR_SLUICE_ENDINGS', 'taken'],
      ...['taken', 'taken', 'ERR_SLUICE_ENGINE'],
      'ERR_SLUICE_METERS',
    ],
    open: [{}, before, { opened: 2, active: 2, bytesUp: 8, bytesDown: 8 }],
    kept: [
      {},
      { opened: 2, 'client-aborted': 1, 'worker-lost': 1 },
      { opened: 3, active: 1, bytesUp: 12, bytesDown: 12, ...ended },
    ],
    closed: [
      {},
      { opened: 2, 'client-aborted': 1, 'worker-lost': 1 },
      { opened: 3, bytesUp: 12, bytesDown: 12, ...ended, 'endpoint-draining': 1 },
    ],
    echoes: [true, true, true, true],
  });
});
