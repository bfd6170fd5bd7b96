/** What a reload asks of the engine: listeners that join, change and go while others accept; an owner's connections end. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { ReloadSeen } from '../support/attachment-reload-main.js';

/** Compiled, because threads of Node 20 run no TypeScript. */
const PROGRAM = fileURLToPath(new URL('../dist/support/attachment-reload-main.js', import.meta.url));

test('listeners come and go beside others, and the connections of an owner end', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM], { timeout: 50_000 });
  expect(JSON.parse(stdout) as ReloadSeen).toEqual({
    closed: ['true', 'false', 'false', 'ERR_SLUICE_LISTENER', 'ERR_SLUICE_LISTENER', 'ERR_SLUICE_STRING'],
    refused: ['ERR_SLUICE_ENDINGS', 'ERR_SLUICE_REASON', 'undefined'],
    echoes: [true, true, true, true, true, true],
    dialled: 'ECONNREFUSED',
    records: ['before', 'after'],
    ended: 2,
  });
});
