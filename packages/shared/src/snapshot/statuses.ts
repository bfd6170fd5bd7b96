/**
 * The status of every resource: what the compiler said of it, and for the rest that it is as it should be.
 *
 * Invariant: `Programmed` is what the snapshot serves, and nothing else; a Gateway is accepted as long as one of its
 * listeners is served. Resources that belong to other controllers have no status here. Types and reasons are the
 * standard's (gateway_types.go, shared_types.go, policy_types.go) and the reference's. Pure.
 */
import { formatPath } from '../resources/path.js';
import type { Gateway, HttpRoute, Resource, ResourceSet } from '../resources/resource.js';
import { supportedKinds } from './allowed-routes.js';
import { ancestorPart, type ConditionBook, listenerPart, parentPart, WHOLE } from './condition-book.js';
import { isOurs, type OwnGateway } from './gateways.js';
import { groupBy } from './group-by.js';
import { compareText } from './hostname.js';
import type { Listener } from './listeners.js';
import {
  type AncestorStatus,
  CONTROLLER_NAME,
  type Condition,
  type ListenerStatus,
  type ResourceStatus,
} from './status.js';
import { unservedOfGateway } from './unserved-fields.js';

/** What the compiler decided. */
export interface Outcome {
  readonly resources: ResourceSet;
  readonly book: ConditionBook;
  readonly gateways: readonly OwnGateway[];
  readonly listeners: readonly Listener[];
  /** Those that are in the snapshot. */
  readonly served: ReadonlySet<Listener>;
  readonly attachedRoutes: ReadonlyMap<Listener, number>;
  /** Positions in spec.parentRefs of the parents that are ours. */
  readonly parents: ReadonlyMap<HttpRoute, readonly number[]>;
}

const ACCEPTED = good('Accepted', 'Accepted');
const PROGRAMMED = good('Programmed', 'Programmed');
const RESOLVED = good('ResolvedRefs', 'ResolvedRefs');
const NO_CONFLICTS: Condition = { type: 'Conflicted', status: 'False', reason: 'NoConflicts', message: '' };

function good(type: string, reason: string): Condition {
  return { type, status: 'True', reason, message: '' };
}

/** Of every resource that has a status, by kind and name. */
export function statusesOf(outcome: Outcome): ResourceStatus[] {
  const { resources } = outcome;
  const byGateway = groupBy(outcome.listeners, ({ gateway }) => gateway);
  return [
    ...resources.gatewayClasses.filter(isOurs).map((each) => statusOf(each, { conditions: [ACCEPTED] })),
    ...outcome.gateways.map((own) => gatewayStatus(own, byGateway.get(own.gateway) ?? [], outcome)),
    ...resources.httpRoutes.map((route) => routeStatus(route, outcome)),
    ...resources.backendTlsPolicies.map((policy) => ancestorsStatus(policy, outcome.book)),
    ...[
      ...resources.healthCheckPolicies,
      ...resources.routePolicies,
      ...resources.loadBalancingPolicies,
      ...resources.albBackendTlsPolicies,
      ...resources.frontendTlsPolicies,
    ].map((policy) => policyStatus(policy, outcome.book)),
  ].sort(byKindAndName);
}

type StatusFields = Omit<ResourceStatus, 'apiVersion' | 'kind' | 'namespace' | 'name'>;

function statusOf({ apiVersion, kind, namespace, name }: Resource<unknown>, fields: StatusFields): ResourceStatus {
  return { apiVersion, kind, namespace, name, ...fields };
}

function byKindAndName(a: ResourceStatus, b: ResourceStatus): number {
  return (
    compareText(a.kind, b.kind) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name) ||
    compareText(a.apiVersion, b.apiVersion)
  );
}

/** The expected types in their order, each as it was said or as it is here; then what else was said. */
function complete(said: readonly Condition[], ...expected: readonly Condition[]): Condition[] {
  const known = expected.map((condition) => said.find(({ type }) => type === condition.type) ?? condition);
  return [...known, ...said.filter(({ type }) => !expected.some((condition) => condition.type === type))];
}

function isFalse(conditions: readonly Condition[], type: string): boolean {
  return conditions.some((condition) => condition.type === type && condition.status === 'False');
}

function gatewayStatus(
  { gateway, addresses }: OwnGateway,
  listeners: readonly Listener[],
  outcome: Outcome,
): ResourceStatus {
  const { book, served } = outcome;
  const said = book.said(gateway, WHOLE);
  const left = listeners.filter((listener) => !served.has(listener)).map(({ spec }) => spec.name);
  const nothing = left.length === listeners.length;
  const accepted: Condition = {
    type: 'Accepted',
    status: nothing && left.length > 0 ? 'False' : 'True',
    reason: left.length === 0 ? 'Accepted' : 'ListenersNotValid',
    message: gatewayMessage(gateway, left),
  };
  const invalid: Condition = {
    type: 'Programmed',
    status: 'False',
    reason: 'Invalid',
    message: 'no listener is served',
  };
  const conditions = complete(said, accepted, nothing ? invalid : PROGRAMMED);
  return statusOf(gateway, {
    conditions,
    ...(addresses.length > 0 && !nothing && { addresses: addresses.map((value) => ({ type: 'IPAddress', value })) }),
    listeners: [...listeners].sort(byPlace).map((listener) => listenerStatus(listener, outcome)),
  });
}

/** What of a Gateway is not served. `left`: names of listeners. */
function gatewayMessage(gateway: Gateway, left: readonly string[]): string {
  const listeners = left.length === 0 ? [] : [`not served: listener ${left.join(', ')}`];
  const fields = unservedOfGateway(gateway).map(({ path, message }) => `${formatPath(path)}: ${message}`);
  return [...listeners, ...fields].join('; ');
}

/** In the order in which the Gateway lists them. */
function byPlace(a: Listener, b: Listener): number {
  return Number(a.path.at(-1)) - Number(b.path.at(-1));
}

function listenerStatus(listener: Listener, { book, served, attachedRoutes }: Outcome): ListenerStatus {
  const { gateway, spec } = listener;
  const said = book.said(gateway, listenerPart(spec.name));
  const why =
    said.find(({ status }) => status === 'False') ?? book.said(gateway, WHOLE).find(({ status }) => status === 'False');
  const invalid: Condition = { type: 'Programmed', status: 'False', reason: 'Invalid', message: why?.message ?? '' };
  return {
    name: spec.name,
    supportedKinds: supportedKinds(listener),
    attachedRoutes: attachedRoutes.get(listener) ?? 0,
    conditions: complete(said, ACCEPTED, served.has(listener) ? PROGRAMMED : invalid, RESOLVED, NO_CONFLICTS),
  };
}

function routeStatus(route: HttpRoute, { book, parents }: Outcome): ResourceStatus {
  return statusOf(route, {
    parents: (parents.get(route) ?? []).map((position) => ({
      parentRef: plainRef(route.spec.parentRefs[position] ?? {}),
      controllerName: CONTROLLER_NAME,
      conditions: parentConditions(complete(book.said(route, parentPart(position)), ACCEPTED, RESOLVED)),
    })),
  });
}

/** PartiallyInvalid must not be there when the route is not accepted (RouteConditionPartiallyInvalid). */
function parentConditions(conditions: readonly Condition[]): readonly Condition[] {
  if (!isFalse(conditions, 'Accepted')) return conditions;
  return conditions.filter(({ type }) => type !== 'PartiallyInvalid');
}

/** The fields that are written. */
function plainRef(ref: Readonly<Record<string, string | number | undefined>>): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(ref).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])),
  );
}

/** The reference's policies have conditions of their own. */
function policyStatus(policy: Resource<unknown>, book: ConditionBook): ResourceStatus {
  return statusOf(policy, { conditions: complete(book.said(policy, WHOLE), ACCEPTED, RESOLVED) });
}

interface Targeting {
  readonly targetRefs: readonly Readonly<Record<string, string | number | undefined>>[];
}

/** The standard's policies have the conditions of each target; what is said of the policy goes for all of them. */
function ancestorsStatus(policy: Resource<Targeting>, book: ConditionBook): ResourceStatus {
  const said = book.said(policy, WHOLE);
  const targets = new Map(
    [...policy.spec.targetRefs.map(plainRef), ...book.targets(policy)].map((target) => [ancestorPart(target), target]),
  );
  const ancestors = [...targets].map(([part, ancestorRef]): AncestorStatus => {
    const own = [...book.said(policy, part), ...said];
    return { ancestorRef, controllerName: CONTROLLER_NAME, conditions: complete(own, ACCEPTED, RESOLVED) };
  });
  return statusOf(policy, { ancestors });
}
