/** The admin port and those who are slow, on either side: an answer that takes its time still arrives whole. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Admin, startAdminServer } from '@sluice/shared/admin/server';
import { createLogger } from '@sluice/shared/log';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';

/** More than a silent client gets. */
const SLOW_MS = 1_500;
/** More than the buffers of both sockets hold. */
const PAGE_BYTES = 32 * 1024 * 1024;

let admin: Admin | undefined;
let socket: Socket | undefined;
afterEach(async () => {
  socket?.destroy();
  await admin?.close();
});

async function ask(body: string, takesMs: number): Promise<Socket> {
  const handle = async () => {
    await pause(takesMs);
    return { status: 200, body };
  };
  admin = await startAdminServer({
    at: { address: '127.0.0.1', port: 0 },
    program: 'test',
    log: createLogger({ level: 'silent', name: 'test' }),
    routes: [{ method: 'GET', path: '/page', handle }],
  });
  socket = connect(admin.port, admin.address);
  socket.write('GET /page HTTP/1.1\r\nHost: a\r\n\r\n');
  return socket;
}

async function bytesOf(from: Socket): Promise<number> {
  let bytes = 0;
  from.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await once(from, 'end');
  return bytes;
}

test('a page that takes a while to make', async () => {
  expect(await bytesOf(await ask('x', SLOW_MS))).toBeGreaterThan(1);
});

test('a scraper that stops reading for a while', async () => {
  const scraper = await ask('x'.repeat(PAGE_BYTES), 0);
  await once(scraper, 'readable');
  // The fault itself: nothing is read for so long.
  await pause(2 * SLOW_MS);
  expect(await bytesOf(scraper)).toBeGreaterThan(PAGE_BYTES);
});

test('a client that never says what it wants is let go', async () => {
  const silent = await ask('x', 0);
  silent.destroy();
  socket = connect(admin?.port ?? 0, admin?.address);
  socket.resume();
  await eventually(() => expect(socket?.readableEnded).toBe(true), { budgetMs: 10_000 });
});
