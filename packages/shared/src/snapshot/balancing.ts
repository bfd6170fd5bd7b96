/**
 * BackendLoadBalancingPolicy to balancing: which policy a port of a Service has, and what it comes to.
 *
 * A targetRef without ports means all of them; of two references that share a port the older policy's counts. Pure but for
 * what it says.
 */

import { annotationKey } from '../resources/annotations.js';
import type { ConfigIssue } from '../resources/issue.js';
import type { LoadBalancing } from '../resources/load-balancing-policy.js';
import type { ConfigPath } from '../resources/path.js';
import { issueAt, type LoadBalancingPolicy, resourceName, type Service } from '../resources/resource.js';
import type { CompileContext } from './context.js';
import { byAge, conflict, type PolicyWords, refusePolicy, resolveTarget } from './policy-target.js';
import { type BalancingSnapshot, DEFAULT_BALANCING } from './service-policy.js';

interface Entry {
  readonly policy: LoadBalancingPolicy;
  /** Empty for all. */
  readonly ports: readonly number[];
}

export interface BalancingIndex {
  /** How the endpoints of a port of a Service are chosen. */
  of(service: Service, port: number): BalancingSnapshot;
}

const WORDS: PolicyWords = {
  invalid: 'InvalidBackendLoadBalancingPolicy',
  notFound: 'InvalidService',
  targetGroup: '',
  targetKind: 'Service',
};

/** Reads all policies; conditions and issues for targets, ports and hash keys that are not right. */
export function indexBalancing(services: ReadonlyMap<string, Service>, context: CompileContext): BalancingIndex {
  const { issues } = context;
  const entries = new Map<string, Entry[]>();
  for (const policy of byAge(context.resources.loadBalancingPolicies)) {
    for (const [index, ref] of policy.spec.targetRefs.entries()) {
      const path = ['spec', 'targetRefs', index];
      const key = resolveTarget(policy, ref, path, WORDS, services, context);
      const service = key === undefined ? undefined : services.get(key);
      if (key === undefined || service === undefined) continue;
      const ports = ref.ports.map(({ port }) => port);
      issues.push(...unknownPorts(policy, path, ports, service));
      const list = entries.get(key) ?? [];
      const first = list.find((entry) => overlap(entry.ports, ports));
      if (first === undefined) entries.set(key, [...list, { policy, ports }]);
      else refusePolicy(policy, WORDS, path, conflict(`Service ${key}`, first.policy), context);
    }
  }
  for (const [key, service] of services) issues.push(...unreadHashKey(service, entries.get(key) ?? []));
  return {
    of(service, port) {
      const entry = entries.get(resourceName(service))?.find(({ ports }) => overlap(ports, [port]));
      return entry === undefined ? DEFAULT_BALANCING : compileBalancing(entry.policy.spec.loadBalancing, service);
    },
  };
}

function overlap(a: readonly number[], b: readonly number[]): boolean {
  return a.length === 0 || b.length === 0 || a.some((port) => b.includes(port));
}

function unknownPorts(policy: LoadBalancingPolicy, path: ConfigPath, ports: readonly number[], service: Service) {
  const { ports: declared, type } = service.spec;
  if (type === 'ExternalName' && declared.length === 0) return [];
  return [...ports.entries()]
    .filter(([, port]) => !declared.some((each) => each.port === port))
    .map(([index, port]) => {
      const message = `Service ${resourceName(service)} has no port ${port}: the policy does nothing there`;
      return issueAt(policy, 'warning', [...path, 'ports', index, 'port'], message);
    });
}

/** Only the ring hashes anything: with every other strategy the annotation would promise what does not happen. */
function unreadHashKey(service: Service, entries: readonly Entry[]): ConfigIssue[] {
  if (service.annotations.hashHeader === undefined) return [];
  if (entries.some(({ policy }) => policy.spec.loadBalancing.strategy === 'ring-hash')) return [];
  const hint = 'give the Service a BackendLoadBalancingPolicy with strategy: ring-hash, or remove the annotation';
  return [
    issueAt(
      service,
      'error',
      ['metadata', 'annotations', annotationKey('Service', 'hashHeader')],
      'is read only with ring-hash',
      hint,
    ),
  ];
}

function compileBalancing({ strategy, slowStart, loadAware }: LoadBalancing, service: Service): BalancingSnapshot {
  if (strategy === 'ring-hash') return { strategy, header: service.annotations.hashHeader ?? '' };
  if (strategy === 'load-aware') {
    return {
      strategy,
      blackoutPeriodMs: loadAware?.blackoutPeriod ?? 10_000,
      metricExpirationPeriodMs: loadAware?.metricExpirationPeriod ?? 180_000,
      errorUtilizationPenalty: loadAware?.errorUtilizationPenalty ?? 1,
      namedMetrics: loadAware?.namedMetrics ?? [],
    };
  }
  if (slowStart === undefined || slowStart.window === 0) return { strategy, slowStart: null };
  const { window: windowMs, aggression, startWeightPercent } = slowStart;
  return { strategy, slowStart: { windowMs, aggression, startWeightPercent } };
}
