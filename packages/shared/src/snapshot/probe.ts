/**
 * HealthCheckPolicy to probe: which policy a Service has, and what `default` and `override` come to.
 *
 * `override` wins field by field. What it says of the kind of probe (by protocol or by a block) decides the kind; then
 * only the blocks of that kind are merged. What neither says is as in the default probe. Without a word about TLS the
 * service's own protocol counts on the service's own port, and plain text on another one. Pure but for what it says.
 */
import type { HealthCheckConfig } from '../resources/health-check-policy.js';
import { mergeConfig } from '../resources/policy-fields.js';
import { type HealthCheckPolicy, resourceName, type Service } from '../resources/resource.js';
import type { CompileContext } from './context.js';
import { byAge, conflict, type PolicyWords, refusePolicy, resolveTarget } from './policy-target.js';
import { DEFAULT_PROBE, type ProbeCheck, type ProbeSnapshot } from './service-policy.js';

const DEFAULT_HOST = 'localhost';
const DEFAULT_STATUSES = [{ start: 200, end: 399 }];
const PATH = ['spec', 'targetRef'];

const WORDS: PolicyWords = {
  invalid: 'InvalidHealthCheckPolicy',
  notFound: 'InvalidService',
  targetGroup: '',
  targetKind: 'Service',
};

export interface ProbeIndex {
  /** How the endpoints of a port of a Service are probed. `tls`: whether connections to them are. */
  of(service: Service, port: number, tls: boolean): ProbeSnapshot;
}

export function indexProbes(services: ReadonlyMap<string, Service>, context: CompileContext): ProbeIndex {
  const owners = new Map<string, HealthCheckPolicy>();
  for (const policy of byAge(context.resources.healthCheckPolicies)) {
    const key = resolveTarget(policy, policy.spec.targetRef, PATH, WORDS, services, context);
    if (key === undefined) continue;
    const first = owners.get(key);
    if (first === undefined) owners.set(key, policy);
    else refusePolicy(policy, WORDS, PATH, conflict(`Service ${key}`, first), context);
  }
  return {
    of(service, port, tls) {
      const policy = owners.get(resourceName(service));
      if (policy === undefined) return tls ? { ...DEFAULT_PROBE, tls } : DEFAULT_PROBE;
      return compileProbe(policy, (probed) => tls && isOwnPort(service, port, probed));
    },
  };
}

/** Whether a probe's port is where the endpoints of the service listen. A name of a container port is not looked up. */
function isOwnPort({ spec }: Service, port: number, probed: number): boolean {
  const targetPort = spec.ports.find((candidate) => candidate.port === port)?.targetPort ?? port;
  return probed === DEFAULT_PROBE.port || probed === targetPort;
}

/** `ownTls`: whether the service's own protocol is TLS on a port. */
function compileProbe(policy: HealthCheckPolicy, ownTls: (port: number) => boolean): ProbeSnapshot {
  const { default: base, override: over } = policy.spec;
  const merged = mergeConfig(base, over);
  const type = kindOf(over) ?? kindOf(base) ?? 'http';
  const port = merged.port ?? DEFAULT_PROBE.port;
  return {
    policy: resourceName(policy),
    intervalMs: merged.interval ?? DEFAULT_PROBE.intervalMs,
    timeoutMs: merged.timeout ?? DEFAULT_PROBE.timeoutMs,
    healthyThreshold: merged.healthyThreshold ?? DEFAULT_PROBE.healthyThreshold,
    unhealthyThreshold: merged.unhealthyThreshold ?? DEFAULT_PROBE.unhealthyThreshold,
    port,
    tls: type !== 'tcp' && (wantsTls(over) ?? wantsTls(base) ?? ownTls(port)),
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
