/**
 * Faults as data, over every way that is not plain HTTP/1.1: WebSockets and requests, in HTTP/1.1 and HTTP/2, with TLS.
 * What each client sees, what each record says, and that nothing is left of any of them.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { Certificates } from '../support/certificates.js';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { type Asked, type FaultClient, overHttp1, overHttp2 } from '../support/fault-client.js';
import { HttpBackend } from '../support/http-backend.js';
import { sharedGateway } from '../support/scenario.js';

const LIMIT = '500ms';
const running = sharedGateway(
  async () => {
    const [http, echo] = await Promise.all([HttpBackend.start(), EchoBackend.start()]);
    return { http, echo, certificates: Certificates.make() };
  },
  ({ http, echo, certificates }) => ({
    config: {
      listeners: [{ name: 'https', port: 443, secrets: ['local'] }],
      services: { http: [http], echo: [echo] },
      routes: [
        {
          annotations: { 'sluice.dev/idle-timeout': LIMIT },
          rules: [{ prefix: '/ws', backends: ['echo'], timeouts: { backendRequest: LIMIT } }],
        },
        {
          rules: [
            { exact: '/stall', backends: ['http'], timeouts: { backendRequest: LIMIT } },
            { prefix: '/', backends: ['http'] },
          ],
        },
      ],
      more: [certificates.secret],
    },
    flags: { 'stream-idle-timeout': LIMIT, 'eject-after': '0' },
  }),
);

type Act = (client: FaultClient) => Promise<void> | void;
interface Row {
  readonly fault: string;
  readonly path: string;
  /** Of a body; WebSockets have none. */
  readonly length?: number;
  readonly fields?: Asked['fields'];
  /** What the client gets to see of an answer; absent: nothing but an end. */
  readonly status?: number;
  readonly act?: Act;
  /** One of these. */
  readonly closeReason: readonly string[];
  /** How it ends for the client, when it did not end it itself: one of these. */
  readonly over?: readonly Over[];
}
type Over = 'ended' | 'reset';
/** Over HTTP/1.1 Node does not tell an end of TCP without TLS's own from one in order. */
const CUT1: readonly Over[] = ['ended', 'reset'];
const CUT2: readonly Over[] = ['reset'];
const ENDED: readonly Over[] = ['ended'];

const HUGE: Asked['fields'] = [['x-huge', 'x'.repeat(20_000)]];
const reset: Act = (client) => client.reset();
const leave: Act = (client) => client.leave();
const end: Act = (client) => client.end();
const send: Act = (client) => client.send('x');

/** A stream in HTTP/2 is left by its reset; what is left of one in HTTP/1.1 is the end of TCP under TLS. */
function webSocketRows(left: readonly string[], cut: readonly Over[]): Row[] {
  const rows: Row[] = [
    { fault: 'the client resets', path: '/ws?', act: reset, closeReason: ['client-reset'] },
    { fault: 'the client is gone', path: '/ws?', act: leave, closeReason: left },
    { fault: 'the client ends', path: '/ws?', act: end, closeReason: ['client-closed'], over: ENDED },
    {
      fault: 'the backend resets',
      path: '/ws?fault=reset-on-data',
      act: send,
      closeReason: ['backend-reset'],
      over: cut,
    },
    {
      fault: 'the backend ends, then the client',
      path: '/ws?fault=half-close&size=100',
      act: end,
      closeReason: ['backend-closed', 'client-closed'],
      over: ENDED,
    },
    { fault: 'nobody says anything', path: '/ws?', closeReason: ['idle-timeout'] },
    { fault: 'no answer', path: '/ws?fault=silent', status: 504, closeReason: ['refused'] },
    {
      fault: 'a reset instead of an answer',
      path: '/ws?fault=reset-before-answer',
      status: 502,
      closeReason: ['refused'],
    },
    { fault: 'a wrong answer', path: '/ws?fault=wrong-accept', status: 502, closeReason: ['refused'] },
    { fault: 'an answer of a huge head', path: '/ws?fault=huge-head', status: 502, closeReason: ['refused'] },
    { fault: 'a request of a huge head', path: '/ws?', fields: HUGE, status: 431, closeReason: ['refused'] },
  ];
  return rows.map((row) => ({ status: 0, ...row }));
}

/** Over HTTP/1.1 a client that ends its direction has left, as for Node's server. */
function requestRows(ended: string, cut: readonly Over[]): Row[] {
  return [
    { fault: 'the client resets', path: '/events?', status: 200, act: reset, closeReason: ['client-aborted'] },
    { fault: 'the client is gone', path: '/events?', status: 200, act: leave, closeReason: ['client-aborted'] },
    {
      fault: 'the client resets inside its body',
      path: '/mirror?',
      length: 9,
      act: resetInside,
      closeReason: ['client-aborted'],
    },
    { fault: 'the client ends behind its request', path: '/large?', status: 200, act: end, closeReason: [ended] },
    { fault: 'the backend resets', path: '/reset?', status: 502, closeReason: ['refused'] },
    {
      fault: 'the backend ends inside its answer',
      path: '/cut?',
      status: 200,
      closeReason: ['relay-truncated'],
      over: cut,
    },
    { fault: 'no answer', path: '/stall?', status: 504, closeReason: ['refused'] },
    { fault: 'an answer that stops', path: '/events?', status: 200, closeReason: ['idle-timeout'], over: cut },
    { fault: 'a body that stops', path: '/echo?', length: 9, act: send, closeReason: ['idle-timeout'], over: cut },
    { fault: 'a body of single bytes', path: '/echo?', length: 3, act: slowly, closeReason: ['relayed'] },
    { fault: 'a request of a huge head', path: '/echo?', fields: HUGE, status: 431, closeReason: ['refused'] },
  ];
}

async function resetInside(client: FaultClient): Promise<void> {
  client.send('x');
  expect(await client.status()).toBe(200);
  client.reset();
}

/** Three bytes, each when the one before has come through. */
async function slowly(client: FaultClient): Promise<void> {
  const started = performance.now();
  for (let n = 1; n <= 3; n++) {
    client.send('x');
    await eventually(() => expect(performance.now() - started).toBeGreaterThan(n * 100));
  }
  expect(await client.status()).toBe(200);
}

const clients: FaultClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  running().backends.http.server.closeAllConnections();
});

describe.each([
  { way: 'wss://', open: overHttp1, websocket: true, rows: webSocketRows(['client-truncated'], CUT1) },
  {
    way: 'WebSocket over HTTP/2',
    open: overHttp2,
    websocket: true,
    rows: webSocketRows(['client-closed', 'client-reset'], CUT2),
  },
  { way: 'HTTP/1.1 over TLS', open: overHttp1, websocket: false, rows: requestRows('client-aborted', CUT1) },
  { way: 'HTTP/2', open: overHttp2, websocket: false, rows: requestRows('relayed', CUT2) },
])('$way', ({ open, websocket, rows }) => {
  test.each(rows)('$fault', async ({ path, length = 0, fields = [], status, act, closeReason, over }) => {
    const { gateway, backends } = running();
    const before = gateway.accessLog.records().length;
    const shared = { to: gateway, ca: backends.certificates.ca };
    const client = await open({ ...shared, path, websocket, length, fields });
    clients.push(client);
    const switched = open === overHttp1 ? 101 : 200;
    if (status !== undefined) expect(await client.status()).toBe(status === 0 ? switched : status);
    await act?.(client);
    if (over !== undefined) expect(over).toContain(await client.over());
    const added = await eventually(() => {
      const records = gateway.accessLog.records().slice(before);
      expect(records).not.toEqual([]);
      return records;
    });
    expect(added.map((record) => record.closeReason)).toEqual([expect.toSatisfy((each) => closeReason.includes(each))]);
  });
});

test('nothing is left of them', async () => {
  const { gateway, backends } = running();
  await gateway.settled();
  const { body } = await gateway.admin('/metrics');
  expect(body).toMatch(/^sluice_connections_active\{[^}]*\} 0$/m);
  expect(body).not.toMatch(/^sluice_connections_active\{[^}]*\} [^0]/m);
  await eventually(() => expect(backends.echo.open).toBe(0));
});
