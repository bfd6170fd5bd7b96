/**
 * Handshakes over an engine that only writes down what it is told: for tests of the decisions, without sockets.
 *
 * One port, one listener, one rule, one service with as many endpoints as a test wants, in slots from 0. Tests only.
 */
import { createBoard } from '@sluice/shared/health/board';
import { NO_BACKEND_MATERIAL } from '@sluice/shared/snapshot/backend-material';
import type { BalancingSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { Snapshot } from '@sluice/shared/snapshot/snapshot';
import { encodeSnapshot } from '@sluice/shared/snapshot/view';
import { aBackend, aListener, aMatch, aRule, aService, aSnapshot } from '@sluice/shared/testing/snapshots';
import { EventKind, type FailedCode, type FailedStage } from '../engine/binding.js';
import type { Engine } from '../engine/engine.js';
import type { ClientTls } from '../engine/tls-info.js';
import { EndpointSets } from '../policy/endpoints.js';
import { configuredEndpoints } from '../testing/configured-endpoints.js';
import { Handshakes } from './handshake.js';
import { type Configuration, type HandshakeContext, openConfiguration } from './handshake-context.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
export const REQUEST =
  'GET /echo HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`;
export const SWITCH = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`;
export const ID = 7;

function snapshot(endpoints: number): Snapshot {
  const targets = Array.from({ length: endpoints }, (_, slot) => ({
    type: 'address' as const,
    host: `10.0.0.${slot}`,
    port: 80,
    draining: false,
  }));
  return aSnapshot({
    listeners: [aListener({ gateway: 'default/gw', hosts: [{ hostname: '', matches: [aMatch(0)] }] })],
    rules: [aRule('default/r', { backends: [aBackend(0)] })],
    services: [aService('default/s/80', { targets })],
  });
}

export interface Call {
  readonly name: string;
  readonly text: string;
  readonly slot: number;
  readonly fields: string;
  /** bound: of the request; connect: for the connect, for the answer; splice: idle, lifetime; ms. */
  readonly times: readonly number[];
  /** Of a splice. */
  readonly owner: number;
}

export type Meter = readonly [name: string, group: number, value: number];

export interface SceneChanges {
  readonly balancing?: BalancingSnapshot;
  readonly affinity?: boolean;
  readonly why?: string;
}

function changed(config: Snapshot, { balancing, affinity }: SceneChanges): Snapshot {
  return {
    ...config,
    rules: config.rules.map((rule) => ({
      ...rule,
      affinity: affinity === true ? { cookie: 'AGCAffinity', maxAgeS: 60 } : null,
    })),
    services: config.services.map((service) => ({ ...service, balancing: balancing ?? service.balancing })),
  };
}

export function createScene(endpoints = 5, connectTimeoutMs = 5000, changes: SceneChanges = {}) {
  const calls: Call[] = [];
  const errors: unknown[] = [];
  const notices: string[] = [];
  const board = createBoard(Math.max(1, endpoints), 1);
  const record = (
    name: string,
    text = '',
    slot = -1,
    fields = '',
    times: readonly number[] = [],
    owner = 0,
  ): boolean => {
    calls.push({ name, text, slot, fields, times, owner });
    return true;
  };
  const engine: Engine = {
    index: 0,
    connect: (_id, dial) => record('connect', dial.head, dial.slot, '', [dial.connectTimeoutMs, dial.answerTimeoutMs]),
    bound: (_id, boundMs) => record('bound', '', -1, '', [boundMs]),
    interim: (_id, head) => record('interim', head),
    splice: (_id, head, fields, idle, lifetime, owner) => record('splice', head, -1, fields, [idle, lifetime], owner),
    relay: (_id, head) => record('relay', head),
    respond: (_id, bytes, fields) => record('respond', bytes, -1, fields),
    close: () => record('close'),
    logEnded: (_id, fields) => record('logEnded', fields),
    clientAddress: (_id, address, port) => record('clientAddress', address, port),
  };
  const config = changed(snapshot(endpoints), changes);
  const meters: Meter[] = [];
  const endpointSets = new EndpointSets(
    configuredEndpoints(config).map((entry) => ({ ...entry, why: changes.why ?? '' })),
  );
  const context: HandshakeContext = {
    endpoints: endpointSets,
    board,
    random: () => 0.5,
    meters: {
      answered: (group, status) => meters.push(['answered', group, status]),
      connected: (group, connectMs) => meters.push(['connected', group, connectMs]),
      http2: () => {},
      upgraded: (group, elapsedMs) => meters.push(['upgraded', group, Math.floor(elapsedMs / 60_000)]),
    },
    onNotice: (notice) => notices.push(notice.message),
    limits: {
      headBytesMax: 16_384,
      connectTimeoutMs,
      answerTimeoutMs: 1000,
      streamIdleTimeoutMs: 0,
      lifetimeMs: 0,
      handshakesMax: 2,
      streamConnectionsMax: 2,
      requestHeadTimeoutMs: 1000,
      httpIdleTimeoutMs: 1000,
      ejectAfter: 3,
      ejectTimeMs: 5000,
      ejectTimeMaxMs: 60_000,
    },
    accessLog: true,
    onError: (error) => errors.push(error),
  };
  const ports = [{ port: 80, listeners: [0] }];
  const configurationOf = (snapshot: Snapshot): Configuration =>
    openConfiguration(
      { snapshot: encodeSnapshot(snapshot), ports, contexts: [], material: NO_BACKEND_MATERIAL },
      { endpoints: endpointSets, board, worker: 0 },
    );
  const handshakes = new Handshakes(context, configurationOf(config));
  const base = { id: ID, listener: 0 };
  return {
    calls,
    errors,
    notices,
    board,
    meters,
    handshakes,
    /** From now on this is the configuration; endpoints stay those that they are. */
    reconfigure: (change: (config: Snapshot) => Snapshot) => handshakes.update(configurationOf(change(config))),
    request: (head = REQUEST, id = ID, tls: ClientTls | null = null) =>
      handshakes.handle(engine, {
        ...base,
        id,
        kind: EventKind.request,
        acceptedAtMs: 0,
        clientAddress: '192.0.2.1',
        clientPort: 1,
        head,
        tls,
      }),
    response: (head: string) =>
      handshakes.handle(engine, { id: ID, kind: EventKind.response, connectMs: 1, answerMs: 2, head }),
    failed: (stage: FailedStage, code: FailedCode) =>
      handshakes.handle(engine, { ...base, kind: EventKind.failed, stage, code, errno: 0, clientAddress: '', why: '' }),
    ended: () => handshakes.handle(engine, { id: ID, kind: EventKind.ended, requestBytes: 0, timeMs: 1, reason: 0 }),
    last: () => calls.at(-1),
    status: () => Number(calls.at(-1)?.text.slice(9, 12)),
  };
}
