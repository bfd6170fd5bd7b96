/** Socket.IO through the gateway: polling, the upgrade to WebSocket, affinity over two backends, a backend that dies. */

import { randomUUID } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { afterEach, describe, expect, test } from 'vitest';
import { Certificates, PAIRED_LISTENERS } from '../support/certificates.js';
import { eventually, within } from '../support/eventually.js';
import { sharedGateway } from '../support/scenario.js';
import { SocketIoBackend } from '../support/socket-io-backend.js';

const BUDGET_MS = 20_000;
const RING = { strategy: 'ring-hash' };
const BY_ROUND = { 'sluice.dev/hash-key': 'header:x-round' };
const MANAGED = { affinityType: 'managed-cookie' };

async function pair(path: string) {
  const [a, b] = await Promise.all([SocketIoBackend.start('a', path), SocketIoBackend.start('b', path)]);
  const close = async () => {
    await Promise.all([a.close(), b.close()]);
  };
  return { both: [a, b] as const, close };
}

const running = sharedGateway(
  async () => {
    const [sticky, loose, mortal] = await Promise.all(['/sticky', '/loose', '/mortal'].map(pair));
    if (!sticky || !loose || !mortal) throw new Error('unreachable');
    return { sticky, loose, mortal, certificates: Certificates.make() };
  },
  ({ sticky, loose, mortal, certificates }) => ({
    config: {
      listeners: PAIRED_LISTENERS,
      balancing: { sticky: RING, mortal: RING },
      annotations: { sticky: BY_ROUND, mortal: BY_ROUND },
      services: { sticky: sticky.both, loose: loose.both, mortal: mortal.both },
      routes: [
        { name: 'sticky', rules: [{ prefix: '/sticky', backends: ['sticky'] }], affinity: MANAGED },
        { name: 'loose', rules: [{ prefix: '/loose', backends: ['loose'] }] },
        { name: 'mortal', rules: [{ prefix: '/mortal', backends: ['mortal'] }], affinity: MANAGED },
      ],
      more: [certificates.secret],
    },
  }),
);

const clients: Socket[] = [];
/** Keep connections alive, but not beyond the test. */
const KEPT = { keepAlive: true, timeout: 200 };
afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  const { gateway, backends } = running();
  await eventually(async () => {
    for (const { both } of [backends.sticky, backends.loose, backends.mortal]) both.map((each) => each.disconnect());
    await gateway.settled(0);
  });
});

type Scheme = 'http' | 'https';
type Options = Partial<ManagerOptions & SocketOptions>;

/** No two requests carry the same `x-round`, which is what the ring is asked with: the cookie alone keeps them together. */
function rounds(): Record<string, string> {
  return Object.defineProperty({}, 'x-round', { enumerable: true, get: randomUUID });
}

function client(scheme: Scheme, path: string, options: Options = {}): Socket {
  const { gateway, backends } = running();
  const { address, port } = gateway.listener(scheme);
  const shared = { path, forceNew: true, withCredentials: true, reconnection: false };
  const { ca } = backends.certificates;
  const agent = scheme === 'http' ? new HttpAgent(KEPT) : new HttpsAgent({ ...KEPT, ca });
  const own = { extraHeaders: rounds(), agent: agent as unknown as string, ca };
  const socket = io(`${scheme}://${address}:${port}`, { ...shared, ...own, ...options });
  clients.push(socket);
  return socket;
}

/** Rejects with what the server, or the gateway, answered to a client that was not let in. */
async function connected(socket: Socket): Promise<Socket> {
  const settled = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', (error) => {
      const { context } = error as { context?: { responseText?: string } };
      reject(new Error(`${error.message}: ${context?.responseText}`));
    });
  });
  await within(settled, BUDGET_MS, () => 'the client did not connect');
  return socket;
}

async function ask(socket: Socket, ...what: unknown[]): Promise<unknown> {
  const [event = '', ...values] = what as [string, ...unknown[]];
  return await socket.timeout(BUDGET_MS).emitWithAck(event, ...values);
}

async function upgraded(socket: Socket): Promise<void> {
  const { engine } = socket.io;
  const upgrade = new Promise<void>((resolve) => engine.once('upgrade', () => resolve()));
  if (engine.transport.name === 'websocket') return;
  await within(upgrade, BUDGET_MS, () => `the client stays with ${engine.transport.name}`);
}

describe.each(['http', 'https'] as const)('%s', (scheme) => {
  test('begins with polling, upgrades to WebSocket, and loses nothing in between', async () => {
    const socket = await connected(client(scheme, '/sticky'));
    const answers = Promise.all(Array.from({ length: 50 }, (_, n) => ask(socket, 'echo', n)));
    await upgraded(socket);
    expect(await answers).toEqual(Array.from({ length: 50 }, (_, n) => n));
    const bytes = Buffer.alloc(200_000, 'binary');
    expect(bytes.equals((await ask(socket, 'echo', bytes)) as Buffer)).toBe(true);
    const sid = String(socket.io.engine.id);
    socket.disconnect();
    await eventually(() => {
      const of = running()
        .gateway.accessLog.records()
        .filter(({ requestUri }) => String(requestUri).includes(sid));
      expect(of.map(({ httpStatusCode }) => httpStatusCode)).toEqual(expect.arrayContaining([200, 101]));
    });
  });

  test.each(['websocket', 'polling'])('%s alone', async (transport) => {
    const socket = await connected(client(scheme, '/sticky', { transports: [transport] }));
    const large = 'x'.repeat(300_000);
    expect(await Promise.all([ask(socket, 'echo', 'hello'), ask(socket, 'echo', large)])).toEqual(['hello', large]);
    expect(socket.io.engine.transport.name).toBe(transport);
  });

  test('without affinity requests of a session reach a backend that does not know it', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, () => connected(client(scheme, '/loose', { transports: ['polling'] }))),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => String(reason));
    expect(refused).toContainEqual(expect.stringContaining('Session ID unknown'));
  });

  test('many clients at once: each stays where it began, and hears what is said there', async () => {
    const { both } = running().backends.sticky;
    const sockets = await Promise.all(Array.from({ length: 40 }, () => connected(client(scheme, '/sticky'))));
    const names = (await Promise.all(sockets.map((socket) => ask(socket, 'who')))) as string[];
    for (const { name } of both) {
      const here = sockets.filter((_, n) => names[n] === name);
      expect(here.length).toBeGreaterThan(5);
      const heard = here.map((socket) => new Promise((resolve) => socket.once('said', resolve)));
      here[0]?.emit('say', `from ${name}`);
      expect(new Set(await within(Promise.all(heard), BUDGET_MS, () => 'not all have heard it'))).toEqual(
        new Set([`from ${name}`]),
      );
    }
    await Promise.all(sockets.map(upgraded));
    expect(await Promise.all(sockets.map((socket) => ask(socket, 'who')))).toEqual(names);
  });
});

test('a backend dies: its clients come back on the other', async () => {
  const [a, b] = running().backends.mortal.both;
  const back = { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 200 };
  const transports = [['websocket'], ['polling'], ['polling', 'websocket']];
  const sockets = await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      connected(client('http', '/mortal', { ...back, transports: transports[n % 3] ?? [] })),
    ),
  );
  expect(Math.min(a.connections, b.connections)).toBeGreaterThan(0);
  a.die();
  await eventually(
    async () => {
      expect(new Set(await Promise.all(sockets.map((socket) => ask(socket, 'who'))))).toEqual(new Set(['b']));
    },
    { budgetMs: BUDGET_MS },
  );
});
