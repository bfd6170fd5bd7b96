/** SIGTERM while workers are dead, hung or waiting to be started again: it ends in time, and no record is lost. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseRecords } from '../support/access-log.js';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';

const CLIENTS = 20;

interface Case {
  readonly name: string;
  readonly workers: number;
  readonly upset: (gateway: Gateway) => Promise<void>;
}

const readyCount = (gateway: Gateway) => gateway.log.filter(({ msg }) => msg === 'worker ready').length;

/** Lets worker 0 die until its next start is some seconds away. */
async function intoBackOff(gateway: Gateway): Promise<void> {
  for (let deaths = 0; deaths < 6; deaths += 1) {
    const ready = readyCount(gateway);
    await gateway.admin('/fault/throw?worker=0', 'POST');
    if (deaths < 5) {
      await eventually(() => expect(readyCount(gateway)).toBeGreaterThan(ready));
    }
  }
  await gateway.logged(({ restartInMs }) => Number(restartInMs) >= 1_600);
}

const cases: Case[] = [
  { name: 'the only worker waits to be started again', workers: 1, upset: intoBackOff },
  { name: 'one of two workers waits to be started again', workers: 2, upset: intoBackOff },
  {
    name: 'the only worker hangs',
    workers: 1,
    upset: async (gateway) => {
      await gateway.admin('/fault/hang?worker=0', 'POST');
    },
  },
  {
    name: 'the only worker has just died',
    workers: 1,
    upset: async (gateway) => {
      await gateway.admin('/fault/exit?worker=0', 'POST');
    },
  },
];

test.each(cases)('$name', async ({ workers, upset }) => {
  const backend = await EchoBackend.start({ record: false });
  const gateway = await Gateway.start({
    config: { services: { echo: [backend] } },
    flags: { workers: String(workers), 'drain-timeout': '1', 'worker-hang-timeout': '2s' },
    faults: true,
  });
  try {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.upgrade(gateway)));
    await upset(gateway);
    gateway.child.kill('SIGTERM');
    expect(await gateway.end(10_000)).toEqual({ code: 0, signal: null });
    for (const client of clients) {
      await client.outcome();
      client.destroy();
    }
    await eventually(() => expect(backend.open).toBe(0));
    const records = parseRecords(readFileSync(gateway.accessLog.path, 'utf8'));
    expect(records).toHaveLength(CLIENTS);
  } finally {
    await gateway.kill();
    await backend.close();
  }
});

test('handshakes that wait for a silent backend end at the drain timeout', async () => {
  const backend = await EchoBackend.start({ record: false });
  const gateway = await Gateway.start({
    config: { services: { echo: [backend] } },
    flags: { 'drain-timeout': '500ms' },
  });
  try {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.connect(gateway)));
    await Promise.all(clients.map((client) => client.write(upgradeHead({ target: '/?fault=silent' }))));
    await eventually(() => expect(backend.requests).toBe(CLIENTS));
    gateway.child.kill('SIGTERM');
    expect(await gateway.end(5_000)).toEqual({ code: 0, signal: null });
    for (const client of clients) {
      await client.outcome();
      client.destroy();
    }
    const records = parseRecords(readFileSync(gateway.accessLog.path, 'utf8'));
    expect(records.map(({ closeReason }) => closeReason)).toEqual(Array(CLIENTS).fill('drain-timeout'));
  } finally {
    await gateway.kill();
    await backend.close();
  }
});
