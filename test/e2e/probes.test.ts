/** The HTTP and the TCP probe against real servers, and what all probes share: deadline, abort, address. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ProbeCheck } from '@sluice/shared/snapshot/service-policy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Blackhole } from '../support/blackhole.js';
import { eventually } from '../support/eventually.js';
import { ask, grpcCheck, httpCheck, verdict, websocketCheck } from '../support/probe-ask.js';
import { says } from '../support/probe-scripts.js';
import { ProbeServer, withServer } from '../support/probe-server.js';

const TCP: ProbeCheck = { type: 'tcp' };
const KINDS: readonly (readonly [string, ProbeCheck])[] = [
  ['GET /', httpCheck()],
  ['tcp', TCP],
  ['gRPC Health/Check', grpcCheck()],
  ['WebSocket /ws', websocketCheck({ path: '/ws', ping: true })],
];

let http: Server;
let to: { address: string; port: number };
let last: IncomingMessage | undefined;
let connections = 0;

beforeAll(async () => {
  // `/404` answers 404.
  http = createServer((request, response) => {
    last = request;
    response.writeHead(Number.parseInt(request.url?.slice(1) ?? '', 10) || 200, { Location: '/elsewhere' });
    response.end(request.url?.endsWith('large') ? Buffer.alloc(4_000_000) : 'hello');
  });
  http.on('connection', () => {
    connections += 1;
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  to = http.address() as AddressInfo;
});
afterAll(async () => {
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
});

describe('the HTTP probe', () => {
  test.each([200, 204, 301, 399])('%d is healthy by default', async (status) => {
    expect(await verdict(to, httpCheck(`/${status}`))).toBe('');
  });

  test.each([400, 404, 426, 500, 503])('%d is unhealthy by default', async (status) => {
    expect(await verdict(to, httpCheck(`/${status}`))).toMatch(new RegExp(`^probe GET /${status} answered ${status}`));
  });

  test('the ranges of a policy count, both ends included', async () => {
    const ranges = [
      [200, 201],
      [404, 404],
    ] as const;
    const found = await Promise.all([200, 201, 202, 403, 404, 405].map((s) => verdict(to, httpCheck(`/${s}`, ranges))));
    expect(found.map((why) => why === '')).toEqual([true, true, false, false, true, false]);
    expect(found[2]).toBe('probe GET /202 answered 202, not 200-201, 404');
  });

  test('a WebSocket server is told of with 426 always, with 404 by the default probe only', async () => {
    const by = (path: string, policy: string) => verdict(to, httpCheck(path), { policy });
    expect(await by('/426', 'shop/chat')).toBe(
      'probe GET /426 answered 426; a WebSocket server wants protocol: WebSocket',
    );
    expect(await by('/404', '')).toContain('protocol: WebSocket');
    expect(await by('/404', 'shop/chat')).toBe('probe GET /404 answered 404');
    expect(await by('/503', '')).toBe('probe GET /503 answered 503');
  });

  test('the request names us and the host, asks for no keep-alive, and follows no redirect', async () => {
    const before = connections;
    expect(
      await verdict(to, { type: 'http', host: 'chat.example', path: '/301?x=1', statuses: [{ start: 301, end: 301 }] }),
    ).toBe('');
    expect(connections).toBe(before + 1);
    expect(last?.url).toBe('/301?x=1');
    expect(last?.method).toBe('GET');
    expect(last?.headers).toMatchObject({ host: 'chat.example', connection: 'close' });
    expect(last?.headers['user-agent']).toMatch(/^sluice-healthd\/\d+\.\d+\.\d+$/);
  });

  test('a large body is not waited for', async () => {
    expect(await verdict(to, httpCheck('/200-large'))).toBe('');
  });

  test('an upgrade that nobody asked for is the answer 101', async () => {
    const bytes = 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';
    await withServer(says(bytes), async (server) => {
      expect(await verdict(server, httpCheck())).toBe('probe GET / answered 101');
    });
  });

  test('a path or a host that HTTP does not allow is a verdict, not an exception', async () => {
    expect(await verdict(to, httpCheck('/a b'))).toBe(
      'probe GET /a?b: failed before an answer (ERR_UNESCAPED_CHARACTERS)',
    );
    expect(await verdict(to, { ...httpCheck(), host: 'a\r\nb' } as ProbeCheck)).toContain('ERR_INVALID_CHAR');
  });

  test('a port of the policy wins', async () => {
    expect(await verdict({ address: to.address, port: 1 }, httpCheck(), { port: to.port })).toBe('');
    const words = `probe GET /404 on port ${to.port} answered 404`;
    expect(
      await verdict({ address: to.address, port: 1 }, httpCheck('/404'), { port: to.port, policy: 'shop/chat' }),
    ).toBe(words);
  });
});

test('the TCP probe connects and leaves by a FIN', async () => {
  await withServer(
    (socket) => socket.resume(),
    async (server) => {
      expect(await verdict(server, TCP)).toBe('');
      await eventually(() => expect(server.accepted).toBe(1));
      await server.deserted();
      expect(server.resets).toBe(0);
    },
  );
});

describe.each(KINDS)('every probe: %s', (question, check) => {
  test('nobody listens', async () => {
    const gone = await ProbeServer.start();
    await gone.close();
    expect(await verdict(gone, check)).toBe(`probe ${question}: connection refused`);
  });

  test('a name is not looked up', async () => {
    expect(await verdict({ address: 'localhost', port: 80 }, check)).toContain('is not an IP address');
    expect(await verdict({ address: '127.0.0.1', port: 65_536 }, check)).toContain('is not an IP address and a port');
  });

  test('stopped before it began, nothing is connected', async () => {
    await withServer(
      () => undefined,
      async (server) => {
        const result = await ask(server, check, {}, AbortSignal.abort());
        expect(result).toMatchObject({ healthy: false, inconclusive: true, why: `probe ${question}: stopped` });
        expect(server.accepted).toBe(0);
      },
    );
  });
});

describe.each(KINDS.filter(([question]) => question !== 'tcp'))('every probe that waits: %s', (question, check) => {
  test('a silent backend takes the timeout', async () => {
    await withServer(
      (socket) => socket.resume(),
      async (server) => {
        const result = await ask(server, check, { timeoutMs: 300 });
        expect(result.why).toBe(`probe ${question}: no answer within 300ms`);
        expect(result.elapsedMs).toBeGreaterThan(290);
        await server.deserted();
      },
    );
  });

  test('many in the middle are stopped at once by one signal', async () => {
    const stop = new AbortController();
    await withServer(
      (socket) => socket.resume(),
      async (server) => {
        const asked = Array.from({ length: 30 }, () => ask(server, check, { timeoutMs: 600_000 }, stop.signal));
        await eventually(() => expect(server.accepted).toBe(30));
        stop.abort();
        for (const result of await Promise.all(asked)) {
          expect(result).toMatchObject({ healthy: false, inconclusive: true, why: `probe ${question}: stopped` });
        }
        await server.deserted();
      },
    );
  });
});

test('a machine that answers no SYN: no connection within the timeout', async () => {
  const hole = await Blackhole.start();
  try {
    const found = await Promise.all(KINDS.map(([, check]) => verdict(hole, check, { timeoutMs: 300 })));
    expect(found).toEqual(KINDS.map(([question]) => `probe ${question}: no connection within 300ms`));
  } finally {
    await hole.close();
  }
});
