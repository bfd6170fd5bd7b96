/**
 * Manifests for the unit tests: short ways to write them, and a mark for the place that an issue must name.
 *
 * Tests only; nothing that is shipped imports this.
 */
import type { ConfigIssue } from '../resources/issue.js';
import { parseResources } from '../resources/parse.js';
import type { LoadResult } from '../resources/resource.js';
import { type CompileResult, compileSnapshot } from '../snapshot/compile.js';

export const FILE = 'test.yaml';

export interface Marked {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** Takes the one `§` out of a text and says where it stood. */
export function marked(text: string): Marked {
  const before = text.slice(0, text.indexOf('§'));
  if (before.length === text.length || text.split('§').length !== 2) throw new Error('one § is needed');
  const lines = before.split('\n');
  return { text: text.replace('§', ''), line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}

export function parse(...texts: string[]): LoadResult {
  return parseResources(texts.map((text, index) => ({ file: index === 0 ? FILE : `test${index + 1}.yaml`, text })));
}

/** Parses texts that must have no error, and compiles them. */
export function compile(...texts: string[]): CompileResult {
  const { resources, issues } = parse(...texts);
  const errors = issues.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(JSON.stringify(errors, null, 2));
  return compileSnapshot(resources);
}

/** Where and what, for comparisons: `path: message`. */
export function brief(issues: readonly ConfigIssue[]): string[] {
  return issues.map(({ path, message }) => `${path}: ${message}`);
}

interface GatewayOptions {
  readonly name?: string;
  readonly namespace?: string;
  /** A flow mapping without braces. */
  readonly annotations?: string;
  /** Listeners as YAML flow mappings without braces: `name: a, port: 80, protocol: HTTP`. */
  readonly listeners?: readonly string[];
  readonly className?: string;
  /** Flow mappings without braces. */
  readonly addresses?: readonly string[];
}

export function gateway(options: GatewayOptions = {}): string {
  const { listeners, className = 'sluice', addresses } = options;
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { ${metadataOf({ name: 'main', ...options })} }
spec:
  gatewayClassName: ${className}${addresses === undefined ? '' : `\n  addresses: [${addresses.map((each) => `{ ${each} }`).join(', ')}]`}
  listeners:
${(listeners ?? ['name: http, port: 80, protocol: HTTP']).map((each) => `    - { ${each} }`).join('\n')}
`;
}

export function gatewayClass(controllerName: string, name = 'sluice'): string {
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: ${name} }
spec: { controllerName: ${controllerName} }
`;
}

/** Labels as a flow mapping without braces. */
export function namespace(name: string, labels: string): string {
  return `
apiVersion: v1
kind: Namespace
metadata: { name: ${name}, labels: { ${labels} } }
`;
}

/** A ReferenceGrant of `namespace`; `from` and `to` as flow mappings without braces. */
export function referenceGrant(namespace: string, from: string, to: string, name = 'grant'): string {
  return `
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: ${name}, namespace: ${namespace} }
spec: { from: [{ ${from} }], to: [{ ${to} }] }
`;
}

interface RouteOptions {
  readonly name?: string;
  readonly namespace?: string;
  readonly created?: string;
  /** Flow mappings without braces. */
  readonly parents?: readonly string[];
  readonly hostnames?: readonly string[];
  /** A flow mapping without braces. */
  readonly annotations?: string;
  /** Flow mappings without braces, of rules. */
  readonly rules?: readonly string[];
}

export function route(options: RouteOptions = {}): string {
  const { parents = ['name: main'], hostnames, rules } = options;
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { ${metadataOf({ name: 'chat', ...options })} }
spec:
  parentRefs: [${parents.map((each) => `{ ${each} }`).join(', ')}]
${hostnames === undefined ? '' : `  hostnames: ${JSON.stringify(hostnames)}`}
${rules === undefined ? '' : `  rules:\n${rules.map((each) => `    - { ${each} }`).join('\n')}`}
`;
}

/** A rule for `route` with one match and no backend. */
export function rule(type: string, value: string, more = ''): string {
  return `matches: [{ path: { type: ${type}, value: ${JSON.stringify(value)} } }], ${more}`;
}

export function service(name = 'chat', ports = '{ port: 80 }', namespace = 'default', more: ServiceMore = {}): string {
  const annotations = more.annotations === undefined ? '' : `, annotations: { ${more.annotations} }`;
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace}${annotations} }
spec: { ports: [${ports}]${more.spec === undefined ? '' : `, ${more.spec}`} }
`;
}

interface ServiceMore {
  /** Flow mappings without braces. */
  readonly annotations?: string;
  readonly spec?: string;
}

export interface PolicyOptions {
  readonly name?: string;
  /** '' leaves the field out. */
  readonly namespace?: string;
  readonly created?: string;
  /** Flow mapping without braces. */
  readonly annotations?: string;
}

/** A HealthCheckPolicy of Service chat; `spec` is what stands beside targetRef, a flow mapping without braces. */
export function healthCheck(spec = 'default: {}', options: PolicyOptions = {}, target = 'name: chat'): string {
  return policy('HealthCheckPolicy', `targetRef: { group: "", kind: Service, ${target} }, ${spec}`, options);
}

/** A BackendLoadBalancingPolicy; targets as flow mappings without braces. */
export function loadBalancing(spec = 'strategy: ring-hash', options: PolicyOptions = {}, ...targets: string[]): string {
  const refs = (targets.length === 0 ? ['name: chat'] : targets).map((each) => `{ group: "", kind: Service, ${each} }`);
  return policy('BackendLoadBalancingPolicy', `targetRefs: [${refs.join(', ')}], loadBalancing: { ${spec} }`, options);
}

/** A RoutePolicy of HTTPRoute chat; `spec` as in `healthCheck`. */
export function routePolicy(spec: string, options: PolicyOptions = {}, target = 'name: chat'): string {
  const ref = `targetRef: { group: gateway.networking.k8s.io, kind: HTTPRoute, ${target} }`;
  return policy('RoutePolicy', `${ref}, ${spec}`, options);
}

/** A policy of the reference; `spec` as a flow mapping without braces. */
export function policy(kind: string, spec: string, options: PolicyOptions, group = 'alb.networking.azure.io'): string {
  return `
apiVersion: ${group}/v1
kind: ${kind}
metadata: { ${metadataOf(options)} }
spec: { ${spec} }
`;
}

function metadataOf({ name = 'policy', namespace = 'default', created, annotations }: PolicyOptions): string {
  const fields = [
    `name: ${name}`,
    ...(namespace === '' ? [] : [`namespace: ${namespace}`]),
    ...(created === undefined ? [] : [`creationTimestamp: ${created}`]),
    ...(annotations === undefined ? [] : [`annotations: { ${annotations} }`]),
  ];
  return fields.join(', ');
}

/** A Deployment with one container; labels and ports as flow collections without their brackets. */
export function deployment(name = 'chat', labels = 'app: chat', ports = '{ name: ws, containerPort: 9000 }'): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  selector: { matchLabels: { ${labels} } }
  template:
    metadata: { labels: { ${labels} } }
    spec: { containers: [{ name: main, image: chat, ports: [${ports}] }] }
`;
}

interface SliceOptions {
  readonly name?: string;
  readonly of?: string;
  readonly type?: string;
  readonly ports?: string;
  /** Flow mappings without braces. */
  readonly endpoints?: readonly string[];
}

export function slice(options: SliceOptions = {}): string {
  const { name = 'chat-1', of = 'chat', type = 'IPv4', ports = '{ port: 9000 }', endpoints } = options;
  return `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, labels: { kubernetes.io/service-name: ${of} } }
addressType: ${type}
ports: [${ports}]
endpoints: [${(endpoints ?? ['addresses: [10.0.0.1]']).map((each) => `{ ${each} }`).join(', ')}]
`;
}

/** Several documents as one text. */
export function documents(...texts: string[]): string {
  return texts.join('\n---\n');
}
