/** What policies do to plain requests: affinity, counts, ejection, retries, and the end of what goes to places that are gone. */
import { once } from 'node:events';
import { type ClientHttp2Stream, connect, constants } from 'node:http2';
import { expect, test } from 'vitest';
import { type Answer, readAnswer } from '../support/answer.js';
import { refusingAddress } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import type { Gateway } from '../support/gateway.js';
import { HttpBackend } from '../support/http-backend.js';
import { type Description, manifests } from '../support/manifests.js';
import { type Address, RawClient } from '../support/raw-client.js';
import { applied, replaceConfig } from '../support/reloading.js';
import { withGateway } from '../support/scenario.js';
import { authoritySecret, verifiedBackends } from '../support/tls-manifests.js';
import { TlsWorld } from '../support/tls-world.js';

const TO_EVENTS = { type: 'ReplaceFullPath', replaceFullPath: '/events' };
const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const startBackends = (count: number) => Promise.all(Array.from({ length: count }, () => HttpBackend.start()));

async function asked(gateway: Address, request: string): Promise<Answer> {
  const client = await RawClient.connect(gateway);
  await client.write(request);
  const answer = await readAnswer(client);
  client.destroy();
  return answer;
}

/** Begins an answer that goes on; which of the backends gives it. */
async function streaming(gateway: Address, path: string): Promise<{ client: RawClient; id: string }> {
  const { client, answer } = await RawClient.request(gateway, get(path));
  expect(answer.status).toBe(200);
  return { client, id: answer.one('x-request-id') ?? '' };
}

function closeIdle(backends: readonly HttpBackend[]): void {
  for (const backend of backends) backend.closeIdle();
}

test('the affinity cookie comes with the first answer and keeps its client at the endpoint', async () => {
  const backends = await startBackends(3);
  const config: Description = {
    services: { http: backends },
    routes: [{ rules: [{ backends: ['http'] }], affinity: { affinityType: 'managed-cookie' } }],
    balancing: { http: { strategy: 'ring-hash' } },
  };
  const body = async (gateway: Gateway) => {
    const cookies = (await asked(gateway, get('/echo'))).head.all('set-cookie');
    const cookie = cookies.find((each) => each.startsWith('AGCAffinity='));
    expect(cookie).toMatch(/^AGCAffinity=[0-9a-f]{16}; Max-Age=86400; Path=\/; HttpOnly; SameSite=Lax$/);
    const before = backends.map(({ requests }) => requests);
    const client = await RawClient.connect(gateway);
    for (let left = 6; left > 0; left--) {
      await client.write(get('/echo', `Cookie: ${cookie?.split(';')[0]}\r\n`));
      expect((await readAnswer(client)).head.all('set-cookie')).toEqual(['a=1', 'b=2']);
    }
    client.destroy();
    const more = backends.map(({ requests }, at) => requests - (before[at] ?? 0));
    expect(more.toSorted()).toEqual([0, 0, 6]);
    expect(more.indexOf(6)).toBe(before.indexOf(1));
    closeIdle(backends);
  };
  await withGateway({ config }, body, backends);
});

test('least-request counts requests that are under way, over all workers', async () => {
  const backends = await startBackends(3);
  const config = { services: { http: backends }, balancing: { http: { strategy: 'least-request' } } };
  const body = async (gateway: Gateway) => {
    const streams: RawClient[] = [];
    for (let n = 0; n < 9; n++) streams.push((await streaming(gateway, `/events?${n}`)).client);
    expect(backends.map(({ requests }) => requests)).toEqual([3, 3, 3]);
    for (const client of streams) client.destroy();
    closeIdle(backends);
  };
  await withGateway({ config }, body, backends);
});

test('an endpoint that refuses is left out, and requests do not suffer meanwhile', async () => {
  const [backend] = await startBackends(1);
  const dead = await refusingAddress();
  const config = { services: { http: [dead, backend as HttpBackend] } };
  const body = async (gateway: Gateway) => {
    for (let n = 0; n < 12; n++) expect((await asked(gateway, get('/echo'))).head.status).toBe(200);
    const ejected = await gateway.logged(({ msg }) => String(msg).startsWith('passively ejected an endpoint'));
    expect(ejected.endpoint).toBe(`127.0.0.1:${dead.port}`);
    backend?.closeIdle();
  };
  await withGateway({ config, flags: { 'eject-after': '2', 'eject-time': '1m' } }, body, [backend as HttpBackend]);
});

test('so is one whose certificate is not good', async () => {
  const [world, strangers] = [new TlsWorld(), new TlsWorld()];
  const [good, bad] = [world, strangers].map(({ authority }) => authority.issue('backend.test'));
  const backend = await HttpBackend.start({ cert: good?.chain, key: good?.key });
  const stranger = await HttpBackend.start({ cert: bad?.chain, key: bad?.key });
  const policies = [authoritySecret('ca', world.authority.certificate), verifiedBackends('http', 'backend.test')];
  const documents = [
    manifests({ services: { http: [stranger, backend] } }),
    ...policies.map((each) => JSON.stringify(each)),
  ];
  const body = async (gateway: Gateway) => {
    for (let n = 0; n < 12; n++) expect((await asked(gateway, get('/echo'))).head.status).toBe(200);
    const ejected = await gateway.logged(({ msg }) => String(msg).startsWith('passively ejected an endpoint'));
    expect(ejected.endpoint).toBe(`127.0.0.1:${stranger.port}`);
    expect(stranger.requests).toBe(0);
    backend.closeIdle();
  };
  const flags = { 'eject-after': '2', 'eject-time': '1m' };
  await withGateway({ config: documents.join('\n---\n'), flags }, body, [backend, stranger, world, strangers]);
});

test('a kept-alive connection that has ended meanwhile: what may be asked twice is, what may not is not', async () => {
  const [backend] = (await startBackends(1)) as [HttpBackend];
  const served = new Set<unknown>();
  backend.server.prependListener('request', ({ socket }) => {
    if (served.has(socket)) socket.resetAndDestroy();
    served.add(socket);
  });
  const body = async (gateway: Gateway) => {
    for (let n = 0; n < 5; n++) {
      const { head, body } = await asked(gateway, get(`/echo?${n}`));
      expect([head.status, body.toString()]).toEqual([200, expect.stringContaining(`"/echo?${n}"`)]);
    }
    // Each second one went over a connection that had ended, and then over one of its own.
    expect(backend.requests).toBe(7);
    const before = backend.requests;
    const post = await asked(gateway, 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx');
    expect(post.head.status).toBe(502);
    expect(backend.requests - before).toBe(1);
    backend.closeIdle();
  };
  await withGateway({ config: { services: { http: [backend] } }, flags: { workers: '1' } }, body, [backend]);
});

test('what is under way to an endpoint or on a route that is gone ends as their policies say', async () => {
  const [closing, keeping, staying] = (await startBackends(3)) as [HttpBackend, HttpBackend, HttpBackend];
  const close = { 'sluice.dev/live-connections': 'close', 'sluice.dev/close-window': '0s' };
  const base: Description = {
    gatewayAnnotations: { 'sluice.dev/h2c': 'on' },
    services: { closing: [closing, staying], keeping: [keeping, staying], route: [staying] },
    annotations: { closing: close },
    routes: [
      { name: 'ended', rules: [{ prefix: '/ended', backends: ['route'] }], annotations: close },
      { name: 'left', rules: [{ prefix: '/left', backends: ['route'] }] },
      { name: 'closing', rules: [{ prefix: '/closing', backends: ['closing'] }] },
      { name: 'keeping', rules: [{ prefix: '/keeping', backends: ['keeping'] }] },
    ].map((route) => ({
      ...route,
      rules: route.rules.map((rule) => ({
        ...rule,
        filters: [{ type: 'URLRewrite', urlRewrite: { path: TO_EVENTS } }],
      })),
    })),
  };
  const [ended, left, ...kept] = base.routes ?? [];
  const without: Description = {
    ...base,
    services: { closing: [staying], keeping: [staying], route: [staying] },
    routes: kept,
  };
  expect([ended?.name, left?.name]).toEqual(['ended', 'left']);
  const body = async (gateway: Gateway) => {
    const open = async (path: string, count: number) =>
      await Promise.all(Array.from({ length: count }, (_, n) => streaming(gateway, `/${path}?${n}`)));
    const [ofRoute, ofLeft, ofClosing, ofKeeping] = [
      await open('ended', 1),
      await open('left', 1),
      await open('closing', 4),
      await open('keeping', 4),
    ];
    const toClosing = closing.requests;
    const session = connect(`http://127.0.0.1:${gateway.port}`);
    const [stream, other] = ['/ended?http2', '/left?http2'].map((path) => session.request({ ':path': path }));
    const errors: unknown[] = [];
    for (const each of [stream, other]) each?.on('error', (error) => errors.push(error)).resume();
    await Promise.all([stream, other].map((each) => once(each as ClientHttp2Stream, 'response')));
    expect([toClosing > 0, keeping.requests > 0]).toEqual([true, true]);
    await applied(gateway, () => replaceConfig(gateway, without));
    await ofRoute[0]?.client.outcome();
    // Of a connection of HTTP/2 the one stream alone.
    await eventually(() => expect([stream?.closed, other?.closed, session.closed]).toEqual([true, false, false]));
    expect(stream?.rstCode).not.toBe(constants.NGHTTP2_NO_ERROR);
    expect(await gateway.accessLog.recordOf('/ended?http2')).toMatchObject({ closeReason: 'route-removed' });
    session.destroy();
    await eventually(() => expect(ofClosing.filter(({ client }) => client.ended)).toHaveLength(toClosing));
    const reasons = async ({ id }: { id: string }) => (await gateway.accessLog.record({ trackingId: id })).closeReason;
    expect(await reasons(ofRoute[0] as { id: string })).toBe('route-removed');
    for (const each of ofClosing.filter(({ client }) => client.ended)) {
      expect(await reasons(each)).toBe('endpoint-removed');
    }
    for (const { client } of [...ofLeft, ...ofKeeping]) expect(client.ended).toBe(false);
    for (const { client } of [...ofRoute, ...ofLeft, ...ofClosing, ...ofKeeping]) client.destroy();
    closeIdle([closing, keeping, staying]);
  };
  await withGateway({ config: base, flags: { workers: '1' } }, body, [closing, keeping, staying]);
});

test.each(['throw', 'exit'])('a worker that dies by %s takes its requests with it, and no other', async (fault) => {
  const [backend] = (await startBackends(1)) as [HttpBackend];
  const options = { config: { services: { http: [backend] } }, faults: true, expectErrors: true };
  const body = async (gateway: Gateway) => {
    const streams: { client: RawClient }[] = [];
    for (let n = 0; n < 8; n++) streams.push(await streaming(gateway, `/events?${n}`));
    await gateway.admin(`/fault/${fault}?worker=0`, 'POST');
    await gateway.logged(({ msg }) => msg === 'worker died');
    await eventually(() => expect(streams.filter(({ client }) => client.ended)).toHaveLength(4));
    await gateway.logged(({ msg, worker }) => msg === 'worker ready' && worker === 0, 10_000);
    for (let n = 0; n < 8; n++) expect((await asked(gateway, get('/echo'))).head.status).toBe(200);
    expect(streams.filter(({ client }) => client.ended)).toHaveLength(4);
    for (const { client } of streams) client.destroy();
    backend.closeIdle();
  };
  await withGateway(options, body, [backend]);
});
