/**
 * HealthCheckPolicy to probe: which policy a Service has, and what `default` and `override` come to.
 *
 * `override` wins field by field. What it says of the kind of probe (by protocol or by a block) decides the kind; then
 * only the blocks of that kind are merged. What neither says is as in the default probe. Pure.
 */
import type { HealthCheckConfig } from '../resources/health-check-policy.js';
import type { ConfigIssue } from '../resources/issue.js';
import { mergeConfig } from '../resources/policy-fields.js';
import { type HealthCheckPolicy, resourceName } from '../resources/resource.js';
import { byName, resolveTarget, secondPolicy } from './policy-target.js';
import { DEFAULT_PROBE, type ProbeCheck, type ProbeSnapshot } from './service-policy.js';

const DEFAULT_HOST = 'localhost';
const DEFAULT_STATUSES = [{ start: 200, end: 399 }];
const PATH = ['spec', 'targetRef'];

/** The probes of the Services that have a policy, by `namespace/name` of the Service. */
export function compileProbes(
  policies: readonly HealthCheckPolicy[],
  services: ReadonlyMap<string, unknown>,
  issues: ConfigIssue[],
): Map<string, ProbeSnapshot> {
  const owners = new Map<string, HealthCheckPolicy>();
  for (const policy of byName(policies)) {
    const ref = policy.spec.targetRef;
    const key = resolveTarget({ policy, ref, path: PATH, kind: 'Service' }, services, issues);
    if (key === undefined) continue;
    const first = owners.get(key);
    if (first === undefined) owners.set(key, policy);
    else issues.push(secondPolicy(policy, PATH, `Service ${key}`, first));
  }
  return new Map([...owners].map(([key, policy]) => [key, compileProbe(policy)]));
}

function compileProbe(policy: HealthCheckPolicy): ProbeSnapshot {
  const { default: base, override: over } = policy.spec;
  const merged = mergeConfig(base, over);
  const type = kindOf(over) ?? kindOf(base) ?? 'http';
  return {
    policy: resourceName(policy),
    intervalMs: merged.interval ?? DEFAULT_PROBE.intervalMs,
    timeoutMs: merged.timeout ?? DEFAULT_PROBE.timeoutMs,
    healthyThreshold: merged.healthyThreshold ?? DEFAULT_PROBE.healthyThreshold,
    unhealthyThreshold: merged.unhealthyThreshold ?? DEFAULT_PROBE.unhealthyThreshold,
    port: merged.port ?? DEFAULT_PROBE.port,
    // Without a word about TLS the service's own protocol counts, which is plain TCP until BackendTLSPolicy is read.
    tls: type !== 'tcp' && (wantsTls(over) ?? wantsTls(base) ?? DEFAULT_PROBE.tls),
    check: compileCheck(type, merged),
  };
}

function wantsTls({ useTLS, protocol }: HealthCheckConfig): boolean | undefined {
  return useTLS ?? (protocol === 'HTTPS' ? true : undefined);
}

function kindOf({ protocol, http, grpc, websocket }: HealthCheckConfig): ProbeCheck['type'] | undefined {
  if (protocol === 'TCP') return 'tcp';
  if (protocol === 'WebSocket' || websocket !== undefined) return 'websocket';
  if (grpc !== undefined) return 'grpc';
  return protocol !== undefined || http !== undefined ? 'http' : undefined;
}

function compileCheck(type: ProbeCheck['type'], { http, grpc, websocket }: HealthCheckConfig): ProbeCheck {
  switch (type) {
    case 'tcp':
      return { type };
    case 'grpc':
      return { type, authority: grpc?.authority ?? DEFAULT_HOST, service: grpc?.service ?? '' };
    case 'websocket':
      return {
        type,
        host: websocket?.host ?? DEFAULT_HOST,
        path: websocket?.path ?? '/',
        subprotocol: websocket?.subprotocol ?? '',
        headers: (websocket?.headers ?? []).map(({ name, value }) => [name, value] as const),
        ping: websocket?.ping ?? false,
      };
    default:
      return {
        type,
        host: http?.host ?? DEFAULT_HOST,
        path: http?.path ?? '/',
        statuses: http?.match?.statusCodes ?? DEFAULT_STATUSES,
      };
  }
}
