/** Peers that vanish without a FIN: keepalive and the user timeout find out. Needs a network namespace of its own. */
import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Vanished } from '../support/vanish-main.js';

const PROGRAM = fileURLToPath(new URL('../dist/support/vanish-main.js', import.meta.url));
const NAMESPACE = ['--user', '--map-root-user', '--net'];
const possible = spawnSync('unshare', [...NAMESPACE, 'ip', 'link', 'set', 'lo', 'up']).status === 0;

// Not every machine lets a test make a network namespace; without one a peer on this machine cannot vanish.
test.skipIf(!possible)('vanished peers are found and named', async () => {
  const { stdout } = await promisify(execFile)('unshare', [...NAMESPACE, process.execPath, PROGRAM]);
  expect(JSON.parse(stdout) as Vanished).toEqual({
    quietClient: 'client-vanished',
    busyClient: 'client-vanished',
    quietBackend: 'backend-vanished',
    secure: {
      '/?http1': 'client-vanished',
      // On the stream path a client that vanished is one that left.
      '/?http2': 'client-reset',
      '/events?http1': 'client-aborted',
      '/events?http2': 'client-aborted',
    },
  });
});
