/** Peers that stop reading: the other side is held back, the gateway keeps next to nothing, and no byte is lost. */
import { describe, expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { handedOver, offer, standstill } from '../support/flood.js';
import { upgradeHead } from '../support/heads.js';
import { PatternCheck } from '../support/pattern.js';
import { RawClient } from '../support/raw-client.js';
import { MEMORY_FACTOR } from '../support/sanitizer.js';
import { sharedGateway } from '../support/scenario.js';

const MB = 1_000_000;
const OFFERED = 200 * MB;
/** With the least that may be kept for slow readers, bytes stay in the kernel instead: nothing else may change. */
const bounds = [{ kept: '256MiB' }, { kept: '65536' }];

describe.each(bounds)('keeping at most $kept', ({ kept }) => {
  const running = sharedGateway(
    async () => ({ backend: await EchoBackend.start() }),
    ({ backend }) => ({
      config: { services: { echo: [backend] } },
      flags: { 'pending-bytes-max': kept, 'answer-timeout': '2s' },
    }),
  );

  test('a backend that stops reading', async () => {
    const { gateway, backends } = running();
    const client = await RawClient.upgrade(gateway, { target: '/?fault=stop-reading&one' });
    const { socket } = await backends.backend.exchange('one');
    const before = gateway.residentBytes();
    offer(client.socket, OFFERED);
    expect(await standstill(() => handedOver(client.socket))).toBeLessThan(OFFERED / 2);
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
    expect(await standstill(() => handedOver(socket))).toBeLessThan(OFFERED / 2);
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
    const clients = await Promise.all(Array.from({ length: count }, () => RawClient.upgrade(gateway)));
    for (const client of clients) {
      client.pause();
      offer(client.socket, size);
    }
    await standstill(() => clients.reduce((sum, { socket }) => sum + handedOver(socket), 0));
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

  test('a client that stops reading a large answer', async () => {
    const { gateway, backends } = running();
    const client = await RawClient.connect(gateway);
    client.pause();
    await client.write(upgradeHead({ target: `/?fault=answer&body=eof&size=${100 * MB}&four` }));
    const { socket } = await backends.backend.exchange('four');
    const before = gateway.residentBytes();
    expect(await standstill(() => handedOver(socket))).toBeLessThan(100 * MB);
    expect(gateway.residentBytes() - before).toBeLessThan(8 * MB * MEMORY_FACTOR);
    client.resume();
    await client.readHead();
    const check = new PatternCheck();
    client.consume((chunk) => check.push(chunk));
    expect(await client.outcome(30_000)).toBe('fin');
    expect(check.bytes).toBe(100 * MB);
    client.end();
  });

  test('interim answers without end to a client that does not read', async () => {
    const { gateway, backends } = running();
    const before = gateway.residentBytes();
    const client = await RawClient.connect(gateway);
    client.pause();
    await client.write(upgradeHead({ target: '/?fault=endless-interim&five' }));
    let most = 0;
    await eventually(
      () => {
        most = Math.max(most, gateway.residentBytes() - before);
        expect(backends.backend.open).toBe(0);
      },
      { budgetMs: 20_000 },
    );
    expect(most).toBeLessThan(16 * MB * MEMORY_FACTOR);
    client.destroy();
  });
});
