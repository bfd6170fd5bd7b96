/** The access log: one whole record a connection, written when it closes, with exact counts. */
import { existsSync, renameSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { upgradeHead } from '../support/heads.js';
import { pattern } from '../support/pattern.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway, withGateway } from '../support/scenario.js';

const running = sharedGateway(
  async () => ({ backend: await EchoBackend.start() }),
  ({ backend }) => ({
    config: {
      services: { echo: [backend] },
      routes: [{ hostnames: ['test.local'], rules: [{ backends: ['echo'] }] }],
    },
  }),
);

test('a WebSocket connection: every field', async () => {
  const { gateway, backends } = running();
  const bytes = upgradeHead({
    target: '/echo?every-field',
    host: 'TEST.local:8080',
    add: [
      ['User-Agent', 'test "agent" \\ 1\xe9'],
      ['Referer', 'https://from.example/page'],
    ],
  });
  const startedAt = Date.now();
  const { client, answer } = await RawClient.request(gateway, bytes);
  await client.write(pattern(12_345));
  await client.read(12_345);
  const clientIp = `127.0.0.1:${client.socket.localPort}`;
  expect(gateway.accessLog.records().filter((record) => record.clientIp === clientIp)).toEqual([]);
  client.end();
  await client.outcome();
  const record = await gateway.accessLog.recordOf('every-field');
  expect(record).toMatchObject({
    level: 30,
    clientIp,
    backendHost: `127.0.0.1:${backends.backend.port}`,
    backendIp: '127.0.0.1',
    backendPort: backends.backend.port,
    frontendName: 'test/edge',
    hostName: 'test.local',
    httpMethod: 'GET',
    httpStatusCode: 101,
    httpVersion: 'HTTP/1.1',
    referer: 'https://from.example/page',
    requestBodyBytes: 12_345,
    requestHeaderBytes: bytes.length,
    requestUri: '/echo?every-field',
    responseBodyBytes: 12_345,
    responseHeaderBytes: answer.raw.length,
    tlsCipher: '-',
    tlsProtocol: '-',
    trackingId: answer.one('x-request-id'),
    closeReason: 'client-closed',
  });
  expect(String(record.userAgent)).toContain('test "agent" \\ 1');
  const { time, timeTaken, backendResponseLatency, backendTimeTaken, frontendPort } = record;
  expect(Number(time)).toBeGreaterThanOrEqual(startedAt - 5);
  expect(Number(time)).toBeLessThanOrEqual(Date.now() + 5);
  expect([80, gateway.port]).toContain(Number(frontendPort));
  for (const duration of [timeTaken, backendResponseLatency, backendTimeTaken]) {
    expect(duration).toBeTypeOf('number');
    expect(Number(duration)).toBeLessThanOrEqual(Date.now() - startedAt + 5);
  }
  expect(Number(timeTaken)).toBeGreaterThanOrEqual(Number(backendResponseLatency));
});

test('a refused handshake', async () => {
  const { gateway } = running();
  const { client, answer } = await RawClient.request(gateway, upgradeHead({ host: 'other.local', target: '/refused' }));
  await client.readToEnd();
  client.end();
  const record = await gateway.accessLog.recordOf('/refused');
  expect(record).toMatchObject({
    httpStatusCode: 404,
    closeReason: 'refused',
    backendHost: '-',
    backendIp: '-',
    backendPort: '-',
    backendResponseLatency: '-',
    hostName: 'other.local',
    responseHeaderBytes: answer.raw.length,
    trackingId: answer.one('x-request-id'),
  });
});

test('a request that cannot be understood', async () => {
  const { gateway } = running();
  const client = await RawClient.connect(gateway);
  const clientIp = `127.0.0.1:${client.socket.localPort}`;
  await client.write('what is this\r\n\r\n');
  await client.readToEnd();
  client.end();
  expect(await gateway.accessLog.record({ clientIp })).toMatchObject({
    httpStatusCode: 400,
    closeReason: 'refused',
    requestUri: '-',
    httpMethod: '-',
  });
});

const secrets = [
  { query: 'secret=s1', logged: 'secret=<redacted>' },
  { query: 'a=1&TOKEN=s1&b=2', logged: 'a=1&TOKEN=<redacted>&b=2' },
  { query: 'key=&x=1', logged: /key=(<redacted>)?&x=1/ },
  { query: 'pat=s1&pat=s2', logged: 'pat=<redacted>&pat=<redacted>' },
  { query: 'personal.access.token=s1', logged: 'personal.access.token=<redacted>' },
  { query: 'sas=s1%26more=1', logged: 'sas=<redacted>' },
  { query: '%74oken=s1', logged: /^%74oken=<redacted>$/ },
  { query: 'tokens=shown', logged: 'tokens=shown' },
];

test.each(secrets)('$query is logged as $logged', async ({ query, logged }) => {
  const { gateway } = running();
  const client = await RawClient.upgrade(gateway, { target: `/redact?${query}` });
  const clientIp = `127.0.0.1:${client.socket.localPort}`;
  client.end();
  await client.outcome();
  const { requestUri } = await gateway.accessLog.record({ clientIp });
  const seen = String(requestUri).slice('/redact?'.length);
  typeof logged === 'string' ? expect(seen).toBe(logged) : expect(seen).toMatch(logged);
});

test('SIGHUP opens the file again; no record is lost or torn', async () => {
  const backend = await EchoBackend.start({ record: false });
  await withGateway(
    { config: { services: { echo: [backend] } } },
    async (gateway) => {
      const { path } = gateway.accessLog;
      const total = 600;
      const lane = async () => {
        for (let done = 0; done < total / 20; done += 1) {
          const client = await RawClient.upgrade(gateway);
          client.end();
          await client.outcome();
        }
      };
      const load = Promise.all(Array.from({ length: 20 }, lane));
      await eventually(() => expect(gateway.accessLog.records().length).toBeGreaterThan(0));
      renameSync(path, `${path}.1`);
      gateway.child.kill('SIGHUP');
      await eventually(() => expect(existsSync(path)).toBe(true));
      await load;
      await eventually(() => {
        const both = gateway.accessLog.records().length + gateway.accessLog.records(`${path}.1`).length;
        expect(both).toBe(total);
      });
    },
    [backend],
  );
});

test('without an access log', async () => {
  const backend = await EchoBackend.start();
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { 'access-log': 'off' } },
    async (gateway) => {
      const client = await RawClient.upgrade(gateway);
      client.end();
      expect(await client.outcome()).toBe('fin');
      expect(existsSync(gateway.accessLog.path)).toBe(false);
    },
    [backend],
  );
});
