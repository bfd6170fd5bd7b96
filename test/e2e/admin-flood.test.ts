/** Silent connections on the admin port do not keep a probe out. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { refusingAddress } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

const CROWD = 200;
/** Less than the time after which silent connections are closed anyway. */
const BUDGET_MS = 800;

let sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
});

async function crowd(gateway: Gateway): Promise<void> {
  const { admin } = gateway.ready;
  const opened = Array.from({ length: CROWD }, () => connect({ host: admin?.address, port: admin?.port ?? 0 }));
  sockets.push(...opened);
  for (const socket of opened) socket.resume().on('error', () => undefined);
  await Promise.all(opened.map((socket) => once(socket, 'connect')));
}

test('probes are answered at once, behind any number of silent connections', async () => {
  const config = { services: { echo: [await refusingAddress()] } };
  await withGateway({ config }, async (gateway) => {
    await crowd(gateway);
    const before = performance.now();
    expect((await gateway.admin('/livez')).status).toBe(200);
    expect((await gateway.admin('/readyz')).status).toBe(200);
    expect(performance.now() - before).toBeLessThan(BUDGET_MS);
    await eventually(() => expect(sockets.every((socket) => socket.readableEnded || socket.destroyed)).toBe(true), {
      budgetMs: 3_000,
    });
  });
});

test('an answer ends its connection', async () => {
  const config = { services: { echo: [await refusingAddress()] } };
  await withGateway({ config }, async (gateway) => {
    const { admin } = gateway.ready;
    if (!admin) throw new Error('no admin port');
    const { client, answer } = await RawClient.request(admin, 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(answer.one('connection')).toBe('close');
    expect(await client.outcome()).toBe('fin');
    client.destroy();
  });
});
