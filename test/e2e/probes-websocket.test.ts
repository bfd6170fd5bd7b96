/** The WebSocket probe against real and raw servers. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServerOptions } from 'ws';
import { eventually } from '../support/eventually.js';
import { ask, httpCheck, verdict, websocketCheck } from '../support/probe-ask.js';
import { onHead, says, switching, upgrades } from '../support/probe-scripts.js';
import { withServer } from '../support/probe-server.js';
import { WsBackend } from '../support/ws-backend.js';

async function withBackend(options: ServerOptions, run: (backend: WsBackend) => Promise<void>): Promise<void> {
  const backend = await WsBackend.start(options);
  try {
    await run(backend);
  } finally {
    await backend.close();
  }
}

describe('a good server', () => {
  let backend: WsBackend;
  let last: IncomingMessage | undefined;
  beforeAll(async () => {
    backend = await WsBackend.start({ handleProtocols: (offered) => (offered.has('chat.v2') ? 'chat.v2' : false) });
    backend.server.on('connection', (_socket, request) => {
      last = request;
    });
  });
  afterAll(() => backend.close());

  test('is healthy by its 101, and is left with 1000', async () => {
    const before = backend.closes.length;
    expect(await verdict(backend, websocketCheck())).toBe('');
    await eventually(() => expect(backend.closes.slice(before)).toEqual([{ code: 1000, reason: '' }]));
  });

  test('is pinged when wanted, and its round trip measured', async () => {
    const before = backend.closes.length;
    const pings = backend.pings;
    const result = await ask(backend, websocketCheck({ ping: true }));
    expect(result).toMatchObject({ healthy: true, why: '' });
    expect(result.pingMs).toBeGreaterThan(0);
    expect(result.pingMs).toBeLessThan(result.elapsedMs);
    expect(backend.pings).toBe(pings + 1);
    await eventually(() => expect(backend.closes.slice(before)).toEqual([{ code: 1000, reason: '' }]));
  });

  test('sees host, path, fields and our name', async () => {
    const headers = [
      ['Origin', 'https://chat.example'],
      ['X-Two', 'a'],
      ['X-Two', 'b'],
    ] as const;
    expect(await verdict(backend, websocketCheck({ host: 'chat.example', path: '/ws?room=1', headers }))).toBe('');
    expect(last?.url).toBe('/ws?room=1');
    expect(last?.headers).toMatchObject({ host: 'chat.example', origin: 'https://chat.example', 'x-two': 'a, b' });
    expect(last?.headers['user-agent']).toMatch(/^sluice-healthd\//);
    expect(last?.headers['sec-websocket-extensions']).toBeUndefined();
    expect(await verdict(backend, websocketCheck({ headers: [['user-agent', 'mine']] }))).toBe('');
    expect(last?.headers['user-agent']).toBe('mine');
  });

  test('must name the subprotocol', async () => {
    expect(await verdict(backend, websocketCheck({ subprotocol: 'chat.v2' }))).toBe('');
    expect(await verdict(backend, websocketCheck({ subprotocol: 'chat.v3' }))).toBe(
      'probe WebSocket /: the answer does not name subprotocol chat.v3',
    );
  });

  test('whose / answers 426 to HTTP is healthy by this probe and unhealthy by the default one', async () => {
    const bare = await WsBackend.start();
    // As a server of package ws does that has no other HTTP server.
    bare.http.on('request', (_request, response) => response.writeHead(426).end('Upgrade Required'));
    try {
      expect(await verdict(bare, httpCheck(), { policy: '' })).toBe(
        'probe GET / answered 426; a WebSocket server wants protocol: WebSocket',
      );
      expect(await verdict(bare, websocketCheck({ ping: true }))).toBe('');
    } finally {
      await bare.close();
    }
  });

  test('whose / answers 404 to HTTP too', async () => {
    backend.http.on('request', (_request, response) => response.writeHead(404).end());
    expect(await verdict(backend, httpCheck(), { policy: '' })).toBe(
      'probe GET / answered 404; if it is a WebSocket server, it wants protocol: WebSocket in a HealthCheckPolicy',
    );
    expect(await verdict(backend, websocketCheck())).toBe('');
  });
});

test('another subprotocol than the one asked for', async () => {
  const script = (answered: string) => (socket: Socket) =>
    onHead(socket, (head) => socket.write(switching(head, `Sec-WebSocket-Protocol: ${answered}\r\n`)));
  await withServer(script('other'), async (server) => {
    expect(await verdict(server, websocketCheck({ subprotocol: 'chat' }))).toBe(
      'probe WebSocket /: the answer names another subprotocol, not chat',
    );
    expect(await verdict(server, websocketCheck())).toContain('a subprotocol that was not asked for');
  });
});

test.each([401, 404, 426, 503])('a refusal with %d', async (status) => {
  await withServer(says(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`), async (server) => {
    const path = '/echo?token=secret';
    expect(await verdict(server, websocketCheck({ path }))).toBe(`probe WebSocket /echo answered ${status}`);
  });
});

test('a wrong Sec-WebSocket-Accept, and a 101 that is none', async () => {
  const start = 'HTTP/1.1 101 Switching Protocols\r\n';
  await withServer(
    says(
      `${start}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n`,
    ),
    async (server) => {
      expect(await verdict(server, websocketCheck({ path: '/ws' }))).toBe(
        "probe WebSocket /ws: the answer's Sec-WebSocket-Accept is wrong",
      );
    },
  );
  await withServer(says(`${start}\r\n`), async (server) => {
    expect(await verdict(server, websocketCheck({ path: '/ws' }))).toBe(
      'probe WebSocket /ws answered 101 without Upgrade: websocket and Connection: Upgrade',
    );
  });
});

test('no pong, the pong of another ping, a close instead of it', async () => {
  await withBackend({ autoPong: false }, async (backend) => {
    const check = websocketCheck({ path: '/ws', ping: true });
    expect(await verdict(backend, check, { timeoutMs: 300 })).toBe('probe WebSocket /ws: no pong within 300ms');
    expect(await verdict(backend, { ...check, path: '/?close=1013' })).toBe(
      'probe WebSocket /: closed with 1013 before a pong',
    );
  });
  await withServer(
    upgrades(() => undefined, '\x8a\x04abcd'),
    async (server) => {
      expect(await verdict(server, websocketCheck({ ping: true }), { timeoutMs: 300 })).toBe(
        'probe WebSocket /: no pong within 300ms',
      );
    },
  );
});

test('a backend that greets with a large message and pings first is healthy', async () => {
  await withBackend({}, async (backend) => {
    backend.server.on('connection', (socket) => {
      socket.send(Buffer.alloc(3_000_000));
      socket.ping('from the server');
    });
    expect(await verdict(backend, websocketCheck({ ping: true }))).toBe('');
  });
});

test('a backend that does not answer the close is healthy, and is left', async () => {
  await withServer(
    upgrades((socket) => socket.resume()),
    async (server) => {
      const result = await ask(server, websocketCheck(), { timeoutMs: 60_000 });
      expect(result).toMatchObject({ healthy: true, why: '' });
      // The verdict is the handshake's; the wait for the close is not part of it.
      expect(result.elapsedMs).toBeLessThan(1_000);
      await server.deserted();
    },
  );
});
