/** What a handshake does about the endpoint that it was given: affinity, load reports, ejection, counts. */
import { EndpointStatus } from '@sluice/shared/health/board';
import { type BalancingSnapshot, DEFAULT_BALANCING } from '@sluice/shared/snapshot/service-policy';
import { describe, expect, it } from 'vitest';
import { FailedCode, FailedStage } from '../engine/binding.js';
import { createScene, REQUEST, SWITCH } from './handshake-scene.js';

const RING: BalancingSnapshot = { strategy: 'ring-hash', header: '' };
const LOAD: BalancingSnapshot = {
  strategy: 'load-aware',
  blackoutPeriodMs: 0,
  metricExpirationPeriodMs: 60_000,
  errorUtilizationPenalty: 1,
  namedMetrics: [],
};
const REPORT = 'endpoint-load-metrics: cpu_utilization=0.5, rps_fractional=10\r\n\r\n';
const withReport = (head: string): string => head.replace('\r\n\r\n', `\r\n${REPORT}`);

describe('session affinity', () => {
  it('sets the cookie on the 101 and on any other answer, once', () => {
    const first = createScene(5, 5000, { balancing: RING, affinity: true });
    first.request();
    first.response(SWITCH);
    const cookie = /\r\nSet-Cookie: (AGCAffinity=[0-9a-f]{16}); Max-Age=60; Path=/.exec(first.last()?.text ?? '')?.[1];
    expect(cookie).toBeDefined();
    const relayed = createScene(5, 5000, { balancing: RING, affinity: true });
    relayed.request();
    relayed.response('HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n');
    expect(relayed.last()?.text).toContain(`Set-Cookie: ${cookie}; `);
    const second = createScene(5, 5000, { balancing: RING, affinity: true });
    second.request(REQUEST.replace('\r\n\r\n', `\r\nCookie: a=b; ${cookie}\r\n\r\n`));
    expect(second.last()?.slot).toBe(first.calls[0]?.slot);
    expect(second.last()?.text).toContain(`Cookie: a=b; ${cookie}\r\n`);
    second.response(SWITCH);
    expect(second.last()?.text).not.toMatch(/set-cookie/i);
  });
});

describe('load reports', () => {
  it.each([RING, LOAD, DEFAULT_BALANCING])('never reach the client: $strategy', (balancing) => {
    for (const answer of [SWITCH, 'HTTP/1.1 103 X\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n']) {
      const scene = createScene(5, 5000, { balancing });
      scene.request();
      scene.response(withReport(answer).replace('endpoint', 'Endpoint'));
      expect(scene.last()?.name).toMatch(/splice|interim|relay/);
      expect(scene.last()?.text).not.toMatch(/load-metrics/i);
    }
  });

  it('go to the board for services that balance by them, and for no other', () => {
    for (const [balancing, weight] of [
      [LOAD, 20],
      [RING, 0],
    ] as const) {
      const scene = createScene(1, 5000, { balancing });
      scene.request();
      scene.response(withReport(SWITCH));
      const bits = Int32Array.of(Atomics.load(scene.board.planes.load, 0));
      expect(new Float32Array(bits.buffer)[0]).toBe(weight);
      expect(Atomics.load(scene.board.planes.loadAt, 0) > 0).toBe(weight > 0);
      expect(Atomics.load(scene.board.planes.loadSince, 0) > 0).toBe(weight > 0);
    }
  });

  it('that are malformed are passed over, and a notice says so', () => {
    const scene = createScene(1, 5000, { balancing: LOAD });
    scene.request();
    scene.response(withReport(SWITCH).replace('0.5', 'much'));
    expect(scene.last()?.name).toBe('splice');
    expect(Atomics.load(scene.board.planes.loadAt, 0)).toBe(0);
    expect(scene.notices).toEqual(['an endpoint sent a malformed load report, which is ignored']);
  });
});

describe('passive ejection', () => {
  const { connect, response } = FailedStage;
  const failures = (scene: ReturnType<typeof createScene>): number =>
    scene.board.planes.failures.reduce((sum, count) => sum + count, 0);

  it.each([
    ['a refused connect', connect, FailedCode.errno, 1],
    ['a connect that takes too long', connect, FailedCode.timeout, 1],
    ['a local fault', connect, FailedCode.local, 0],
    ['a reset before the answer', response, FailedCode.reset, 0],
    ['a close before the answer', response, FailedCode.eof, 0],
    ['no answer in time', response, FailedCode.timeout, 0],
  ])('counts or not: %s', (_name, stage, code, counted) => {
    const scene = createScene();
    scene.request();
    scene.failed(stage, code);
    expect(failures(scene)).toBe(counted);
  });

  it('does not count a client that leaves', () => {
    const scene = createScene();
    scene.request();
    scene.ended();
    expect(failures(scene)).toBe(0);
  });

  it('ejects after three in a row, says so, and ends with the first connect that works', () => {
    const scene = createScene(2);
    const fail = (): void => {
      scene.request();
      const slot = scene.last()?.slot;
      if (slot === 0) scene.failed(connect, FailedCode.errno);
      scene.response(SWITCH);
    };
    for (let left = 5; left > 0; left--) fail();
    expect(scene.notices).toEqual(['passively ejected an endpoint: connecting to it fails']);
    expect(Atomics.load(scene.board.planes.ejectedUntil, 0)).toBeGreaterThan(0);
    const dialled = scene.calls.length;
    for (let left = 5; left > 0; left--) fail();
    const slots = scene.calls.slice(dialled).filter(({ name }) => name === 'connect');
    expect(slots.map(({ slot }) => slot)).toEqual([1, 1, 1, 1, 1]);
    scene.board.setStatus(1, EndpointStatus.unhealthy);
    scene.request();
    expect(scene.last()?.slot).toBe(0);
    scene.response(SWITCH);
    expect(Atomics.load(scene.board.planes.ejectedUntil, 0)).toBe(0);
    expect(failures(scene)).toBe(0);
  });
});

describe('no endpoint', () => {
  it.each([
    [0, '', 'default/s/80 has no endpoint'],
    [2, '', 'none of the 2 endpoints of default/s/80 is usable'],
    [2, 'probe GET / answered 426', 'probe GET / answered 426'],
  ])('of %i: the record says why', (count, why, reason) => {
    const scene = createScene(count, 5000, { why });
    for (let slot = 0; slot < count; slot++) scene.board.setStatus(slot, EndpointStatus.unhealthy);
    scene.request();
    expect(scene.status()).toBe(503);
    const record = JSON.parse(`{${scene.last()?.fields ?? ''}}`) as Record<string, unknown>;
    expect(record).toMatchObject({ refusal: 'no-endpoint', refusalReason: reason });
    expect(scene.meters).toEqual([['answered', 2, 503]]);
  });

  it('has a reason that a refusal by its code alone has not', () => {
    const scene = createScene();
    scene.request('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    expect(scene.last()?.fields).toContain('"refusal":"upgrade-required","refusalReason":"-"');
  });
});

describe('the meters', () => {
  it('count a connect for each endpoint that took one, the answer, and the time to the 101', () => {
    const scene = createScene();
    scene.request();
    scene.failed(FailedStage.connect, FailedCode.errno);
    scene.response('HTTP/1.1 103 Early Hints\r\n\r\n');
    scene.response(SWITCH);
    expect(scene.meters).toEqual([
      ['connected', 2, 1],
      ['answered', 2, 101],
      ['upgraded', 2, 0],
    ]);
  });

  it('count what was passed on, and what was refused before a route was known', () => {
    const scene = createScene();
    scene.request();
    scene.response('HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n');
    scene.request('GET /\r\n\r\n');
    scene.failed(FailedStage.requestHead, FailedCode.timeout);
    expect(scene.meters.slice(1)).toEqual([
      ['answered', 2, 401],
      ['answered', 1, 400],
      ['answered', 1, 408],
    ]);
  });

  it('count a fault of the gateway itself', () => {
    const scene = createScene();
    scene.response(SWITCH);
    expect(scene.status()).toBe(500);
    expect(scene.meters).toEqual([['answered', 0, 500]]);
  });
});
