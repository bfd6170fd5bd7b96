/** Clients whose request head does not come, or too slowly: 408, and nothing is kept for them. */
import { setInterval } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { EchoBackend } from '../support/echo-backend.js';
import { upgradeHead } from '../support/heads.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';

const running = sharedGateway(
  async () => ({ backend: await EchoBackend.start() }),
  ({ backend }) => ({
    config: { services: { echo: [backend] } },
    flags: { 'request-head-timeout': '400ms', 'linger-timeout': '200ms' },
  }),
);

const partial = [
  { name: 'nothing', bytes: '' },
  { name: 'one byte', bytes: 'G' },
  { name: 'all but the last byte', bytes: upgradeHead().slice(0, -1) },
];

test.each(partial)('$name, then silence: 408', async ({ bytes }) => {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  if (bytes !== '') {
    await client.write(bytes);
  }
  expect((await readAnswer(client)).head.status).toBe(408);
  expect(await client.readToEnd()).toHaveLength(0);
  const clientIp = `127.0.0.1:${client.socket.localPort}`;
  client.end();
  const record = await gateway.accessLog.record({ clientIp });
  expect(record).toMatchObject({ httpStatusCode: 408, refusal: 'request-timeout' });
  expect(['refused', 'request-timeout']).toContain(record.closeReason);
});

test('a byte now and then does not prolong the time', async () => {
  const client = await RawClient.connect(running().gateway);
  const bytes = upgradeHead();
  let sent = 0;
  for await (const _ of setInterval(50)) {
    if (client.buffered.length > 0) {
      break;
    }
    await client.write(bytes.charAt(sent));
    sent += 1;
  }
  expect((await readAnswer(client)).head.status).toBe(408);
  expect(sent).toBeLessThan(40);
  client.destroy();
});

test('a client that leaves inside its head is logged as such', async () => {
  const { gateway } = running();
  for (const leave of ['end', 'reset'] as const) {
    const client = await RawClient.connect(gateway);
    const clientIp = `127.0.0.1:${client.socket.localPort}`;
    await client.write('GET /echo HTTP/1.1\r\n');
    client[leave]();
    const record = await gateway.accessLog.record({ clientIp });
    expect(['client-aborted', 'client-closed', 'client-reset']).toContain(record.closeReason);
    client.destroy();
  }
});
