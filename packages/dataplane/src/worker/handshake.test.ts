/** The decisions of the handshake glue, over an engine that only writes down what it is told. */
import { createBoard } from '@sluice/shared/health/board';
import { DEFAULT_BALANCING, DEFAULT_LIVE_CONNECTIONS, DEFAULT_PROBE } from '@sluice/shared/snapshot/service-policy';
import type { Snapshot } from '@sluice/shared/snapshot/snapshot';
import { describe, expect, it } from 'vitest';
import { EventKind, FailedCode, FailedStage } from '../engine/binding.js';
import type { Engine } from '../engine/engine.js';
import { createBalancer } from '../policy/balancer.js';
import { EndpointSets } from '../policy/endpoints.js';
import { createRouter } from '../policy/router.js';
import { configuredEndpoints } from '../primary/membership.js';
import { Handshakes } from './handshake.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const REQUEST =
  'GET /echo HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`;
const SWITCH = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`;
const ID = 7;

function snapshot(endpoints: number): Snapshot {
  return {
    version: 'v',
    listeners: [
      {
        name: 'http',
        gateway: 'default/gw',
        port: 80,
        protocol: 'HTTP',
        hostname: '',
        hosts: [{ hostname: '', matches: [{ pathType: 'PathPrefix', path: '/', rule: 0 }] }],
      },
    ],
    rules: [{ route: 'default/r', index: 0, backends: [{ service: 0, weight: 1 }], affinity: null }],
    services: [
      {
        name: 'default/s/80',
        targets: Array.from({ length: endpoints }, (_, slot) => ({
          type: 'address' as const,
          host: `10.0.0.${slot}`,
          port: 80,
          draining: false,
        })),
        probe: DEFAULT_PROBE,
        balancing: DEFAULT_BALANCING,
        liveConnections: DEFAULT_LIVE_CONNECTIONS,
      },
    ],
  };
}

type Call = { readonly name: string; readonly text: string; readonly slot: number };

function createScene(endpoints = 5, connectTimeoutMs = 5000) {
  const calls: Call[] = [];
  const errors: unknown[] = [];
  const notices: string[] = [];
  const board = createBoard(Math.max(1, endpoints), 1);
  const record = (name: string, text = '', slot = -1): boolean => {
    calls.push({ name, text, slot });
    return true;
  };
  const engine: Engine = {
    index: 0,
    connect: (_id, dial) => record('connect', dial.head, dial.slot),
    interim: (_id, head) => record('interim', head),
    splice: (_id, head) => record('splice', head),
    relay: (_id, head) => record('relay', head),
    respond: (_id, bytes) => record('respond', bytes),
    close: () => record('close'),
    logEnded: (_id, fields) => record('logEnded', fields),
  };
  const config = snapshot(endpoints);
  const endpointSets = new EndpointSets(configuredEndpoints(config));
  const handshakes = new Handshakes({
    snapshot: config,
    endpoints: endpointSets,
    ports: [{ port: 80, listeners: [0] }],
    router: createRouter(config),
    board,
    balancer: createBalancer({ snapshot: config, sets: endpointSets, board, seed: 0 }),
    random: () => 0.5,
    onNotice: (notice) => notices.push(notice.message),
    limits: {
      headBytesMax: 16_384,
      connectTimeoutMs,
      answerTimeoutMs: 1000,
      streamIdleTimeoutMs: 0,
      lifetimeMs: 0,
      handshakesMax: 2,
      ejectAfter: 3,
      ejectTimeMs: 5000,
      ejectTimeMaxMs: 60_000,
    },
    accessLog: true,
    onError: (error) => errors.push(error),
  });
  const base = { id: ID, listener: 0 };
  return {
    calls,
    errors,
    notices,
    board,
    handshakes,
    request: (head = REQUEST, id = ID) =>
      handshakes.handle(engine, {
        ...base,
        id,
        kind: EventKind.request,
        acceptedAtMs: 0,
        clientAddress: '192.0.2.1',
        clientPort: 1,
        head,
      }),
    response: (head: string) =>
      handshakes.handle(engine, { id: ID, kind: EventKind.response, connectMs: 1, answerMs: 2, head }),
    failed: (stage: FailedStage, code: FailedCode) =>
      handshakes.handle(engine, { ...base, kind: EventKind.failed, stage, code, errno: 0, clientAddress: '' }),
    ended: () => handshakes.handle(engine, { id: ID, kind: EventKind.ended, requestBytes: 0, timeMs: 1, reason: 0 }),
    last: () => calls.at(-1),
    status: () => Number(calls.at(-1)?.text.slice(9, 12)),
  };
}

describe('Handshakes', () => {
  it('dials, passes interim answers on, splices, and forgets the connection', () => {
    const scene = createScene();
    scene.request();
    scene.response('HTTP/1.1 103 Early Hints\r\n\r\n');
    scene.response(SWITCH);
    expect(scene.calls.map(({ name }) => name)).toEqual(['connect', 'interim', 'splice']);
    expect(scene.handshakes.size).toBe(0);
    expect(scene.errors).toEqual([]);
  });

  it('tries three different endpoints, then answers by the last failure', () => {
    const scene = createScene();
    scene.request();
    scene.failed(FailedStage.connect, FailedCode.errno);
    scene.failed(FailedStage.response, FailedCode.reset);
    scene.failed(FailedStage.connect, FailedCode.timeout);
    expect(scene.calls.map(({ name }) => name)).toEqual(['connect', 'connect', 'connect', 'respond']);
    expect(new Set(scene.calls.slice(0, 3).map(({ slot }) => slot)).size).toBe(3);
    expect(scene.status()).toBe(504);
  });

  it('does not try again when no other endpoint is there, the budget is spent, or the fault is local', () => {
    const alone = createScene(1);
    alone.request();
    alone.failed(FailedStage.connect, FailedCode.errno);
    expect(alone.status()).toBe(502);
    const late = createScene(5, 0);
    late.request();
    late.failed(FailedStage.connect, FailedCode.timeout);
    expect(late.status()).toBe(504);
    const exhausted = createScene();
    exhausted.request();
    exhausted.failed(FailedStage.connect, FailedCode.local);
    expect(exhausted.status()).toBe(503);
  });

  it.each([
    ['a plain request', 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n', 426],
    ['a malformed one', 'GET /\r\n\r\n', 400],
  ])('refuses %s by itself', (_name, head, status) => {
    const scene = createScene();
    scene.request(head);
    expect(scene.status()).toBe(status);
    expect(scene.handshakes.size).toBe(0);
  });

  it.each([
    [FailedCode.timeout, 408],
    [FailedCode.tooLarge, 431],
  ])('answers a head that failed (code %d) with %d', (code, status) => {
    const scene = createScene();
    scene.failed(FailedStage.requestHead, code);
    expect(scene.status()).toBe(status);
  });

  it('answers 502 to a switch that proves nothing, and relays any other answer', () => {
    const wrong = createScene();
    wrong.request();
    wrong.response(SWITCH.replace(ACCEPT, 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='));
    expect(wrong.status()).toBe(502);
    const refused = createScene();
    refused.request();
    refused.response('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n');
    expect(refused.last()?.name).toBe('relay');
    expect(refused.handshakes.size).toBe(0);
  });

  it('answers 503 to handshakes beyond its limit, and takes new ones when some have ended', () => {
    const scene = createScene();
    scene.request(REQUEST);
    scene.request(REQUEST, ID + 1);
    scene.request(REQUEST, ID + 2);
    expect(scene.last()?.text).toMatch(/^HTTP\/1\.1 503 .*\r\nRetry-After: 3\r\n.*\(overloaded\)\n$/s);
    expect(scene.handshakes.size).toBe(2);
    scene.ended();
    scene.request(REQUEST, ID + 3);
    expect(scene.last()?.name).toBe('connect');
  });

  it('writes the record of a client that left, with what is known of its request', () => {
    const scene = createScene();
    scene.request();
    scene.ended();
    expect(JSON.parse(`{${scene.last()?.text ?? ''}}`)).toMatchObject({
      requestUri: '/echo',
      frontendPort: 80,
      route: 'default/r',
      httpStatusCode: '-',
    });
    expect(scene.handshakes.size).toBe(0);
  });

  it('answers 500 to a response of a connection that it does not know', () => {
    const scene = createScene();
    scene.response(SWITCH);
    expect(scene.status()).toBe(500);
  });
});
