/** What a handshake makes of its rule: filters, origins, limits, and of the path that it came with. */
import { DEFAULT_LIMITS, type FiltersSnapshot } from '@sluice/shared/snapshot/rule-policy';
import type { ListenerSnapshot, RuleSnapshot } from '@sluice/shared/snapshot/snapshot';
import { aBackend, aMatch } from '@sluice/shared/testing/snapshots';
import { describe, expect, it } from 'vitest';
import { FailedCode, FailedStage } from '../engine/binding.js';
import { createScene, REQUEST, SWITCH } from './handshake-scene.js';

const NONE: FiltersSnapshot = {
  requestHeaders: null,
  responseHeaders: null,
  rewrite: null,
  redirect: null,
  cors: null,
};
const NO_CHANGES = { set: [], add: [], remove: [] };

type Scene = ReturnType<typeof createScene>;

/** One rule, reached by the prefix /echo. */
function sceneOf(rule: Partial<RuleSnapshot>, listener: Partial<ListenerSnapshot> = {}): Scene {
  const scene = createScene();
  scene.reconfigure((config) => ({
    ...config,
    listeners: config.listeners.map((each) => ({
      ...each,
      hosts: [{ hostname: '', matches: [aMatch(0, { path: '/echo' })] }],
      ...listener,
    })),
    rules: config.rules.map((each) => ({ ...each, ...rule })),
  }));
  return scene;
}

const asking = (target: string, ...fields: readonly string[]): string =>
  REQUEST.replace('/echo', target).replace('\r\n\r\n', `\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`);
const plain = (method: string, target: string, ...fields: readonly string[]): string =>
  `${[`${method} ${target} HTTP/1.1`, 'Host: a.test', ...fields].join('\r\n')}\r\n\r\n`;
const record = (scene: Scene): Record<string, unknown> => JSON.parse(`{${scene.last()?.fields ?? ''}}`);

describe('header changes', () => {
  const requestHeaders = { set: [['X-Env', 'edge'] as const], add: [['X-Via', 'rule'] as const], remove: ['x-gone'] };
  const responseHeaders = {
    set: [['Server', 'edge'] as const],
    add: [['Set-Cookie', 'a=b'] as const],
    remove: ['x-gone'],
  };
  const ofRef = { ...NONE, requestHeaders: { ...NO_CHANGES, set: [['x-via', 'ref'] as const] } };

  it("are made to the forwarded head: the rule's, then the backendRef's", () => {
    const scene = sceneOf({ filters: { ...NONE, requestHeaders }, backends: [aBackend(0, 1, { filters: ofRef })] });
    scene.request(asking('/echo', 'x-env: client', 'X-Gone: a', 'X-Kept: b', 'X-Via: client'));
    const head = scene.last()?.text ?? '';
    expect(head).toMatch(/\r\nX-Kept: b\r\nX-Env: edge\r\nx-via: ref\r\nConnection: Upgrade\r\n/);
    expect(head).not.toMatch(/client|x-gone/i);
    expect(head).toContain('x-forwarded-for: 192.0.2.1\r\n');
  });

  it.each([
    ['the 101', SWITCH],
    ['any other answer', 'HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n'],
  ])('are made to %s', (_name, answer) => {
    const scene = sceneOf({ filters: { ...NONE, responseHeaders } });
    scene.request();
    scene.response(answer.replace('\r\n\r\n', '\r\nserver: b\r\nSet-Cookie: c=d\r\nX-Gone: e\r\n\r\n'));
    const head = scene.last()?.text ?? '';
    expect(head).toMatch(/\r\nSet-Cookie: c=d\r\nServer: edge\r\nSet-Cookie: a=b\r\n/);
    expect(head).not.toMatch(/server: b|x-gone/i);
  });

  it("follow the backendRef that was chosen, not its service, and stay that one's when another endpoint is tried", () => {
    const filters = (name: string) => ({ ...NONE, requestHeaders: { ...NO_CHANGES, set: [['X-Ref', name] as const] } });
    const backends = [aBackend(0, 1, { filters: filters('a') }), aBackend(0, 1, { filters: filters('b') })];
    const seen = ['', ''].map(() => {
      const scene = sceneOf({ backends });
      scene.request();
      scene.ended();
      scene.request();
      scene.failed(FailedStage.connect, FailedCode.errno);
      return scene.calls.filter(({ name }) => name === 'connect').map(({ text }) => /X-Ref: (\w)/.exec(text)?.[1]);
    });
    for (const refs of seen) expect(refs).toEqual(['a', 'b', 'b']);
  });
});

describe('URLRewrite', () => {
  const rewrite = { hostname: 'b.test', path: { type: 'prefix', value: '/xyz' } } as const;

  it('changes Host and path, keeps the query, and what was asked for stays in the record', () => {
    const scene = sceneOf({ filters: { ...NONE, rewrite } });
    scene.request(asking('/echo/deep?a=b'));
    expect(scene.last()?.text).toMatch(/^GET \/xyz\/deep\?a=b HTTP\/1\.1\r\nHost: b\.test\r\n/);
    scene.response('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    scene.request(asking('/echo/deep?a=b'));
    scene.ended();
    expect(JSON.parse(`{${scene.last()?.text}}`)).toMatchObject({ requestUri: '/echo/deep?a=b', hostName: 'a.test' });
  });

  it('goes before a Host that a header change sets', () => {
    const requestHeaders = { ...NO_CHANGES, set: [['Host', 'c.test'] as const] };
    const both = sceneOf({ filters: { ...NONE, rewrite, requestHeaders } });
    both.request();
    expect(both.last()?.text).toContain('\r\nHost: b.test\r\n');
    const set = sceneOf({ filters: { ...NONE, requestHeaders } });
    set.request();
    expect(set.last()?.text).toMatch(/^GET \/echo HTTP\/1\.1\r\nHost: c\.test\r\n/);
  });
});

describe('what a rule answers by itself', () => {
  const redirect = { scheme: 'https', hostname: '', path: null, port: 0, status: 301 } as const;

  it.each([
    ['a handshake', asking('/echo?a=b')],
    ['a plain request', plain('GET', '/echo?a=b')],
    ['any method', plain('POST', '/echo?a=b', 'Content-Length: 3')],
    ['the absolute form', plain('GET', 'http://a.test/echo?a=b')],
  ])('redirects %s', (_name, head) => {
    const scene = sceneOf({ filters: { ...NONE, redirect } });
    scene.request(head);
    expect(scene.last()?.text).toMatch(/^HTTP\/1\.1 301 .*\r\nLocation: https:\/\/a\.test\/echo\?a=b\r\n/s);
    expect(record(scene)).toMatchObject({ httpStatusCode: 301, refusal: 'redirect', route: 'default/r' });
    expect(scene.handshakes.size).toBe(0);
    expect(scene.meters).toEqual([['answered', 1, 301]]);
  });

  it('is 500 where it cannot be served, and the record says why', () => {
    const scene = sceneOf({ filters: { ...NONE, redirect }, broken: 'a filter of type X is not served' });
    scene.request();
    expect(scene.status()).toBe(500);
    expect(scene.last()?.text).not.toContain('type X');
    expect(record(scene)).toMatchObject({ refusal: 'rule-broken', refusalReason: 'a filter of type X is not served' });
  });

  it('is the preflight, and nothing else of a plain request', () => {
    const cors = {
      allowOrigins: ['https://b.test'],
      allowCredentials: true,
      allowMethods: ['GET'],
      allowHeaders: [],
      exposeHeaders: [],
      maxAgeS: 5,
    };
    const scene = sceneOf({ filters: { ...NONE, cors } });
    scene.request(plain('OPTIONS', '/echo', 'Origin: https://b.test', 'Access-Control-Request-Method: GET'));
    expect(scene.last()?.text).toMatch(/^HTTP\/1\.1 204 .*\r\nAccess-Control-Allow-Origin: https:\/\/b\.test\r\n/s);
    expect(record(scene)).toMatchObject({ httpStatusCode: 204, refusal: 'cors-preflight' });
    scene.request(plain('GET', '/echo', 'Origin: https://b.test'));
    expect(scene.status()).toBe(426);
    scene.request(asking('/echo', 'Origin: https://c.test'));
    expect(scene.status()).toBe(403);
    scene.request(asking('/echo', 'Origin: https://b.test'));
    scene.response(
      SWITCH.replace('\r\n\r\n', '\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Max-Age: 9\r\n\r\n'),
    );
    expect(scene.last()?.text.match(/^Access-Control-.*$/gim)).toEqual([
      'Access-Control-Allow-Origin: https://b.test',
      'Access-Control-Allow-Credentials: true',
    ]);
  });

  it.each([
    ['a plain request', plain('GET', '/other'), 404],
    ['an unknown method', plain('BREW', '/other'), 501],
    ['a malformed handshake', asking('/other', 'Content-Length: 1'), 400],
    ['a handshake', asking('/other'), 404],
  ])('is nothing where no route takes %s', (_name, head, status) => {
    const scene = sceneOf({ filters: { ...NONE, redirect } });
    scene.request(head);
    expect(scene.status()).toBe(status);
  });
});

describe('origins', () => {
  const origins = { allow: ['same', 'https://*.b.test'], absent: false };

  it.each([
    ['https://a.b.test', 'connect'],
    ['http://a.test', 'connect'],
    ['https://b.test', 'origin-not-allowed'],
    ['', 'origin-missing'],
  ])('%s: %s', (origin, expected) => {
    const scene = sceneOf({ origins, index: 3 });
    scene.request(origin === '' ? REQUEST : asking('/echo', `Origin: ${origin}`));
    if (expected === 'connect') {
      expect(scene.last()?.name).toBe('connect');
      return;
    }
    expect(scene.status()).toBe(403);
    expect(record(scene)).toMatchObject({ refusal: expected, route: 'default/r', backendIp: '-' });
    expect(record(scene)).toMatchObject({
      refusalReason: expect.stringMatching(/^rule 3 of default\/r (takes no|does not take)/),
    });
    expect(scene.last()?.text).not.toContain('default/r');
  });
});

describe('the path', () => {
  it.each(['/echo/..', '/echo//x', '/echo/%2e%2e/x', '/echo%2fx', '/echo/%00', '/\\echo'])(
    '%s is refused',
    (target) => {
      const scene = sceneOf({});
      for (const head of [asking(target), plain('GET', target), asking(`http://a.test${target}`)]) {
        scene.request(head);
        expect(scene.last()?.text).toMatch(/^HTTP\/1\.1 400 .*\(ambiguous-path\)\n$/s);
      }
      expect(record(scene)).toMatchObject({ refusal: 'ambiguous-path', route: '-' });
    },
  );

  it('is forwarded as it is routed by where the listener normalises it', () => {
    const scene = sceneOf({}, { normalisePaths: true });
    scene.request(asking('/x/../%65cho//a?b=/../c'));
    expect(scene.last()?.text).toMatch(/^GET \/echo\/a\?b=\/\.\.\/c HTTP\/1\.1\r\n/);
    scene.ended();
    expect(scene.last()?.text).toContain('"requestUri":"/x/../%65cho//a?b=/../c"');
    scene.request(asking('/echo/../x'));
    expect(scene.status()).toBe(404);
    scene.request(asking('/echo%2f..'));
    expect(scene.status()).toBe(400);
  });

  it('is one thing only: a fragment and a target of another host are refused', () => {
    const scene = sceneOf({});
    scene.request(asking('/echo#x'));
    expect(scene.status()).toBe(400);
    scene.request(asking('http://b.test/echo'));
    expect(scene.status()).toBe(400);
  });
});

describe('limits of the rule', () => {
  it('of the whole request, when they end a connect, say nothing against the endpoint', () => {
    for (const [requestMs, counted] of [
      [1000, 0],
      [9000, 1],
    ] as const) {
      const scene = sceneOf({ limits: { ...DEFAULT_LIMITS, requestMs } });
      scene.request();
      scene.failed(FailedStage.connect, FailedCode.timeout);
      expect(scene.board.planes.failures.reduce((sum, count) => sum + count, 0)).toBe(counted);
    }
  });

  const limits = { ...DEFAULT_LIMITS, idleMs: 700, lifetimeMs: 1000, lifetimeJitter: 0.5 };

  it('go to the engine', () => {
    const scene = sceneOf({ limits: { ...limits, connectMs: 302, backendRequestMs: 400 } });
    scene.request();
    expect(scene.last()?.times).toEqual([100, 400]);
    scene.response(SWITCH);
    expect(scene.last()?.times).toEqual([700, 750]);
  });

  it('of the whole request bound what every attempt gets', () => {
    const scene = sceneOf({ limits: { ...DEFAULT_LIMITS, requestMs: 600 } });
    scene.request();
    const [bound, connect] = scene.calls;
    expect([bound?.name, connect?.name]).toEqual(['bound', 'connect']);
    expect(bound?.times[0]).toBeGreaterThan(400);
    expect(bound?.times[0]).toBeLessThanOrEqual(600);
    expect(connect?.times[0]).toBeLessThanOrEqual(200);
    expect(connect?.times[1]).toBe(600);
  });

  it.each([
    [{ requestMs: 1 }, FailedStage.response, 'route-timeout', 'rule 0 of default/r allows 1 ms for the whole request'],
    [{ requestMs: 1 }, FailedStage.connect, 'route-timeout', 'rule 0 of default/r allows 1 ms for the whole request'],
    [{ backendRequestMs: 1 }, FailedStage.response, 'answer-timeout', 'rule 0 of default/r allows 1 ms for an answer'],
    [{ backendRequestMs: 0 }, FailedStage.response, 'answer-timeout', '-'],
    [{ connectMs: 1 }, FailedStage.connect, 'connect-timeout', 'rule 0 of default/r allows 1 ms for connecting'],
  ])('%j: a timeout in stage %i is %s', (given, stage, refusal, refusalReason) => {
    const scene = sceneOf({ limits: { ...DEFAULT_LIMITS, ...given } });
    scene.request();
    scene.failed(stage, FailedCode.timeout);
    expect(record(scene)).toMatchObject({ httpStatusCode: 504, refusal, refusalReason });
  });
});
