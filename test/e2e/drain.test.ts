/** SIGTERM: no new connections, live ones go on until the drain timeout, exit code 0, and every record is written. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseRecords } from '../support/access-log.js';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { EchoLoad } from '../support/load.js';
import { RawClient } from '../support/raw-client.js';

async function draining(drainTimeout: string, body: (gateway: Gateway, backend: EchoBackend) => Promise<void>) {
  const backend = await EchoBackend.start();
  const gateway = await Gateway.start({
    config: { services: { echo: [backend] } },
    flags: { 'drain-timeout': drainTimeout },
  });
  try {
    await body(gateway, backend);
    await eventually(() => expect(backend.open).toBe(0));
  } finally {
    await gateway.kill();
    await backend.close();
  }
}

const recordsOf = (gateway: Gateway) => parseRecords(readFileSync(gateway.accessLog.path, 'utf8'));

/** Waits until connecting is refused; what still got in leaves at once. */
async function refused(gateway: Gateway): Promise<void> {
  await eventually(async () => {
    const client = await RawClient.connect(gateway).catch(() => undefined);
    client?.destroy();
    expect(client).toBeUndefined();
  });
}

test('without connections it ends at once', async () => {
  await draining('30s', async (gateway) => {
    gateway.child.kill('SIGTERM');
    expect(await gateway.end(3_000)).toEqual({ code: 0, signal: null });
  });
});

test('live connections go on; new ones are refused; it ends with the last of them', async () => {
  await draining('30s', async (gateway) => {
    const load = await EchoLoad.start(gateway, 20);
    await load.proceed(3);
    gateway.child.kill('SIGTERM');
    await refused(gateway);
    expect((await gateway.admin('/readyz')).status).toBe(503);
    expect((await gateway.admin('/livez')).status).toBe(200);
    await load.proceed(20);
    await load.stop();
    expect(await gateway.end(3_000)).toEqual({ code: 0, signal: null });
    const spliced = recordsOf(gateway).filter(({ httpStatusCode }) => httpStatusCode === 101);
    expect(spliced.map(({ closeReason }) => closeReason)).toEqual(Array(20).fill('client-closed'));
  });
});

test('at the drain timeout what is left is closed, and logged so', async () => {
  await draining('1', async (gateway) => {
    const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.upgrade(gateway)));
    const told = performance.now();
    gateway.child.kill('SIGTERM');
    expect(await gateway.end(5_000)).toEqual({ code: 0, signal: null });
    expect(performance.now() - told).toBeGreaterThan(900);
    for (const client of clients) {
      await client.outcome();
      client.destroy();
    }
    const records = recordsOf(gateway);
    expect(records).toHaveLength(50);
    expect(new Set(records.map(({ closeReason }) => closeReason))).toEqual(new Set(['drain-timeout']));
  });
});

test('a handshake that has begun is completed', async () => {
  await draining('10s', async (gateway) => {
    const client = await RawClient.connect(gateway);
    const bytes = upgradeHead();
    await client.write(bytes.slice(0, 60));
    const other = await RawClient.upgrade(gateway);
    gateway.child.kill('SIGTERM');
    await refused(gateway);
    await client.write(bytes.slice(60));
    expect([101, 503]).toContain((await client.readHead()).status);
    other.end();
    client.end();
    await client.outcome();
    expect(await gateway.end(5_000)).toEqual({ code: 0, signal: null });
    const records = recordsOf(gateway).filter(({ requestUri }) => requestUri !== '-');
    expect(records).toHaveLength(2);
  });
});

const seconds = [
  { signal: 'SIGTERM', code: 143 },
  { signal: 'SIGINT', code: 130 },
] as const;

test.each(seconds)('a second signal, $signal, ends it at once', async ({ signal, code }) => {
  await draining('60s', async (gateway) => {
    const client = await RawClient.upgrade(gateway);
    gateway.child.kill('SIGTERM');
    await refused(gateway);
    gateway.child.kill(signal);
    expect((await gateway.end(3_000)).code).toBe(code);
    await client.outcome();
    client.destroy();
  });
});

test('SIGINT drains too', async () => {
  await draining('10s', async (gateway) => {
    gateway.child.kill('SIGINT');
    expect(await gateway.end(3_000)).toEqual({ code: 0, signal: null });
  });
});

test('under load no record is lost', async () => {
  await draining('5s', async (gateway, backend) => {
    let answered = 0;
    const lane = async () => {
      for (;;) {
        try {
          const client = await RawClient.upgrade(gateway);
          answered += 1;
          client.end();
          await client.outcome();
        } catch {
          return; // the listener has gone
        }
      }
    };
    const lanes = Promise.all(Array.from({ length: 20 }, lane));
    await eventually(() => expect(backend.requests).toBeGreaterThan(500));
    gateway.child.kill('SIGTERM');
    await lanes;
    expect(await gateway.end(8_000)).toEqual({ code: 0, signal: null });
    const spliced = recordsOf(gateway).filter(({ httpStatusCode }) => httpStatusCode === 101);
    expect(spliced).toHaveLength(answered);
  });
});

test('an exception that nothing caught in the primary drains too, and ends with 1', async () => {
  const backend = await EchoBackend.start();
  const gateway = await Gateway.start({
    config: { services: { echo: [backend] } },
    flags: { 'drain-timeout': '30s' },
    faults: true,
  });
  try {
    const load = await EchoLoad.start(gateway, 5);
    await load.proceed(3);
    expect((await gateway.admin('/fault/throw?worker=primary', 'POST')).status).toBe(202);
    await refused(gateway);
    expect((await gateway.admin('/readyz')).status).toBe(503);
    await gateway.logged(({ msg }) => msg === 'uncaught exception in the primary');
    await load.proceed(20);
    await load.stop();
    expect(await gateway.end(3_000)).toEqual({ code: 1, signal: null });
  } finally {
    await gateway.kill();
    await backend.close();
  }
});
