/**
 * The router against the Gateway API's own sentences: every case in the YAML files beside this one names the sentence that
 * it holds, and where that stands (kubernetes-sigs/gateway-api, apis/v1). Manifests are read, compiled and encoded, and
 * request heads parsed, as in the gateway.
 *
 * `to`: `route` or `route#rule` (rule 0 where the route has one alone), in namespace `default` unless it is written; or the status
 * of the refusal.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HEAD_LIMITS, parseRequestHead } from '@sluice/dataplane/policy/head';
import { isRefusal } from '@sluice/dataplane/policy/refusal';
import { createRouter } from '@sluice/dataplane/policy/router';
import { parseResources } from '@sluice/shared/resources/parse';
import { compileSnapshot } from '@sluice/shared/snapshot/compile';
import { encodeSnapshot, openSnapshot, type SnapshotView } from '@sluice/shared/snapshot/view';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

interface Ask {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  /** The whole request target, instead of the path. */
  readonly target?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly to: string | number;
}

interface Setup {
  readonly setup: string;
  /** As in a Gateway; one for every host on port 80 when there is no word of them. */
  readonly listeners?: readonly object[];
  /** Labels by name. */
  readonly namespaces?: Readonly<Record<string, object>>;
  /** By `name` or `namespace/name`: parents, hostnames and rules as in an HTTPRoute, and its creationTimestamp. */
  readonly routes: Readonly<
    Record<string, { created?: string; parents?: object[]; hostnames?: string[]; rules?: object[] }>
  >;
  readonly cases: readonly { readonly says: string; readonly of: string; readonly asks: readonly Ask[] }[];
}

const API = 'gateway.networking.k8s.io/v1';
const DEFAULT_LISTENERS = [{ name: 'http', port: 80, protocol: 'HTTP' }];

function nameOf(key: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name] = key.split('/');
  return name === undefined ? { namespace: 'default', name: namespace } : { namespace, name };
}

function documentsOf({ listeners = DEFAULT_LISTENERS, namespaces = {}, routes }: Setup): object[] {
  const gateway = {
    apiVersion: API,
    kind: 'Gateway',
    metadata: { name: 'main' },
    spec: { gatewayClassName: 'sluice', listeners },
  };
  const labelled = Object.entries(namespaces).map(([name, labels]) => {
    return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
  });
  const described = Object.entries(routes).map(
    ([key, { created, parents = [{ name: 'main' }], hostnames, rules }]) => ({
      apiVersion: API,
      kind: 'HTTPRoute',
      metadata: { ...nameOf(key), ...(created === undefined ? {} : { creationTimestamp: created }) },
      spec: { parentRefs: parents, ...(hostnames && { hostnames }), ...(rules && { rules }) },
    }),
  );
  return [gateway, ...labelled, ...described];
}

function compiled(setup: Setup): SnapshotView {
  const text = documentsOf(setup)
    .map((document) => JSON.stringify(document))
    .join('\n---\n');
  const { resources, issues } = parseResources([{ file: `${setup.setup}.yaml`, text }]);
  expect(issues.filter(({ severity }) => severity === 'error')).toEqual([]);
  return openSnapshot(encodeSnapshot(compileSnapshot(resources).snapshot));
}

function headOf({ host = 'a.test', path = '/', target = path, method = 'GET', headers = {} }: Ask): string {
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((each) => `${name}: ${each}`));
  return [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...lines, '', ''].join('\r\n');
}

function answer(view: SnapshotView, ask: Ask): string {
  const head = parseRequestHead(headOf(ask), HEAD_LIMITS);
  if (isRefusal(head)) return String(head.status);
  const listeners = view.listeners.flatMap(({ port }, at) => (port === (ask.port ?? 80) ? [at] : []));
  const router = createRouter(view);
  const listener = router.listener(listeners, head.host);
  if (isRefusal(listener)) return String(listener.status);
  const match = router.route(listener, head.host, head.path, head);
  if (isRefusal(match)) return String(match.status);
  const { route = '', index = -1 } = view.rule(match.rule) ?? {};
  return `${route}#${index}`;
}

function wanted({ to }: Ask): string {
  if (typeof to === 'number') return String(to);
  const [key = '', rule = '0'] = to.split('#');
  const { namespace, name } = nameOf(key);
  return `${namespace}/${name}#${rule}`;
}

const title = ({ to, ...request }: Ask): string => `${JSON.stringify(request).replaceAll('"', '')} → ${to}`;
const folder = import.meta.dirname;
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const setups = files.flatMap((name) => parse(readFileSync(join(folder, name), 'utf8')) as Setup[]);

test('there are at least 150 cases, each once', () => {
  const asked = setups.flatMap((setup) =>
    setup.cases.flatMap(({ asks }) => asks.map((ask) => setup.setup + title(ask))),
  );
  expect(asked.length).toBeGreaterThanOrEqual(150);
  expect(new Set(asked).size).toBe(asked.length);
});

describe.each(setups)('$setup', (setup) => {
  let view: SnapshotView;
  beforeAll(() => {
    view = compiled(setup);
  });
  describe.each(setup.cases)('$of: $says', ({ asks }) => {
    test.each(asks.map((ask) => [title(ask), ask] as const))('%s', (_, ask) => {
      expect(answer(view, ask)).toBe(wanted(ask));
    });
  });
});
