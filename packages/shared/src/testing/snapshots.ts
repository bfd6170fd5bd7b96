/** Parts of snapshots for the unit tests: what a test does not speak of is as it is without configuration. Tests only. */
import { DEFAULT_LIMITS } from '../snapshot/rule-policy.js';
import {
  DEFAULT_BALANCING,
  DEFAULT_LIVE_CONNECTIONS,
  DEFAULT_PROBE,
  DEFAULT_REMOVAL,
} from '../snapshot/service-policy.js';
import type {
  BackendSnapshot,
  ListenerSnapshot,
  MatchSnapshot,
  RuleSnapshot,
  ServiceSnapshot,
  Snapshot,
} from '../snapshot/snapshot.js';
import { encodeSnapshot, openSnapshot, type SnapshotView } from '../snapshot/view.js';

export function aService(name: string, more: Partial<ServiceSnapshot> = {}): ServiceSnapshot {
  return {
    name,
    targets: [],
    probe: DEFAULT_PROBE,
    balancing: DEFAULT_BALANCING,
    liveConnections: DEFAULT_LIVE_CONNECTIONS,
    tls: null,
    ...more,
  };
}

export function aBackend(service: number, weight = 1, more: Partial<BackendSnapshot> = {}): BackendSnapshot {
  return { service, weight, filters: null, ...more };
}

export function aRule(route: string, more: Partial<RuleSnapshot> = {}): RuleSnapshot {
  return {
    route,
    index: 0,
    backends: [],
    affinity: null,
    filters: null,
    limits: DEFAULT_LIMITS,
    origins: null,
    broken: '',
    ...more,
  };
}

/** `rule`: index into the rules. */
export function aMatch(rule: number, more: Partial<MatchSnapshot> = {}): MatchSnapshot {
  return { pathType: 'PathPrefix', path: '/', method: '', headers: [], queryParams: [], rule, ...more };
}

export function aListener(more: Partial<ListenerSnapshot> = {}): ListenerSnapshot {
  return {
    name: 'http',
    gateway: 'default/main',
    port: 80,
    protocol: 'HTTP',
    hostname: '',
    addresses: [],
    normalisePaths: false,
    http2: false,
    websocketOverHttp2: false,
    proxySources: [],
    trustedProxies: [],
    removal: DEFAULT_REMOVAL,
    tls: null,
    hosts: [],
    ...more,
  };
}

/** The routes are those of the rules, unless they are given. */
export function aSnapshot(more: Partial<Snapshot> = {}): Snapshot {
  const names = [...new Set((more.rules ?? []).map(({ route }) => route))];
  const routes = names.map((name) => ({ name, removal: DEFAULT_REMOVAL }));
  return { version: '0', listeners: [], routes, rules: [], services: [], ...more };
}

/** As a thread reads it. */
export function viewOf(snapshot: Snapshot): SnapshotView {
  return openSnapshot(encodeSnapshot(snapshot));
}
