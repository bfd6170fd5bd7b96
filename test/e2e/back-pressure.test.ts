/** Peers that stop reading: the other side is held back, the gateway keeps next to nothing, and no byte is lost. */
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { PatternCheck, patternSlice } from '../support/pattern.js';
import { RawClient } from '../support/raw-client.js';
import { MEMORY_FACTOR } from '../support/sanitizer.js';
import { sharedGateway } from '../support/scenario.js';

const MB = 1_000_000;
const OFFERED = 200 * MB;
const running = sharedGateway(
  async () => ({ backend: await EchoBackend.start() }),
  ({ backend }) => ({ config: { services: { echo: [backend] } } }),
);

/** Writes the pattern as fast as it is taken. */
function offer(socket: Socket, size: number): void {
  let sent = 0;
  const more = () => {
    while (sent < size) {
      const piece = patternSlice(sent, size - sent);
      sent += piece.length;
      if (!socket.write(piece)) {
        socket.once('drain', more);
        return;
      }
    }
    socket.end();
  };
  more();
}

/** Waits until a count has stood still for 30 looks in a row. */
async function standstill(count: () => number): Promise<number> {
  let last = -1;
  await eventually(
    () => {
      const now = count();
      const still = now === last;
      last = now;
      expect(still).toBe(true);
    },
    { successes: 30, budgetMs: 20_000 },
  );
  return last;
}

test('a backend that stops reading', async () => {
  const { gateway, backends } = running();
  const client = await RawClient.upgrade(gateway, { target: '/?fault=stop-reading&one' });
  const { socket } = await backends.backend.exchange('one');
  const before = gateway.residentBytes();
  offer(client.socket, OFFERED);
  const stuckAt = await standstill(() => client.socket.bytesWritten - client.socket.writableLength);
  expect(stuckAt).toBeLessThan(OFFERED / 2);
  expect(gateway.residentBytes() - before).toBeLessThan(8 * MB * MEMORY_FACTOR);
  const check = new PatternCheck();
  socket.on('data', (chunk: Buffer) => check.push(chunk));
  socket.on('end', () => socket.end());
  socket.resume();
  expect(await client.outcome(30_000)).toBe('fin');
  expect(check.bytes).toBe(OFFERED);
  expect(gateway.residentBytes() - before).toBeLessThan(8 * MB * MEMORY_FACTOR);
});

test('a client that stops reading', async () => {
  const { gateway, backends } = running();
  const client = await RawClient.upgrade(gateway, { target: `/?fault=flood&size=${OFFERED}&two` });
  client.pause();
  const { socket } = await backends.backend.exchange('two');
  const before = gateway.residentBytes();
  expect(await standstill(() => socket.bytesWritten - socket.writableLength)).toBeLessThan(OFFERED / 2);
  expect(gateway.residentBytes() - before).toBeLessThan(8 * MB * MEMORY_FACTOR);
  const check = new PatternCheck();
  client.consume((chunk) => check.push(chunk));
  client.resume();
  expect(await client.outcome(30_000)).toBe('fin');
  expect(check.bytes).toBe(OFFERED);
  client.end();
});

test('many connections stalled in both directions, then released', async () => {
  const { gateway } = running();
  const size = 20 * MB;
  const count = 20;
  const before = gateway.residentBytes();
  const clients = await Promise.all(
    Array.from({ length: count }, () => RawClient.upgrade(gateway, { target: '/echo?many' })),
  );
  for (const client of clients) {
    client.pause();
    offer(client.socket, size);
  }
  await standstill(() => clients.reduce((sum, { socket }) => sum + socket.bytesWritten - socket.writableLength, 0));
  expect(gateway.residentBytes() - before).toBeLessThan((8 * MB + count * 2 * 65_536) * MEMORY_FACTOR);
  await Promise.all(
    clients.map(async (client) => {
      const check = new PatternCheck();
      client.consume((chunk) => check.push(chunk));
      client.resume();
      expect(await client.outcome(30_000)).toBe('fin');
      expect(check.bytes).toBe(size);
    }),
  );
});
