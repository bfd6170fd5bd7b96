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
  /** Listeners as YAML flow mappings without braces: `name: a, port: 80, protocol: HTTP`. */
  readonly listeners?: readonly string[];
}

export function gateway({ name = 'main', namespace = 'default', listeners }: GatewayOptions = {}): string {
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  gatewayClassName: sluice
  listeners:
${(listeners ?? ['name: http, port: 80, protocol: HTTP']).map((each) => `    - { ${each} }`).join('\n')}
`;
}

interface RouteOptions {
  readonly name?: string;
  readonly namespace?: string;
  readonly created?: string;
  /** Flow mappings without braces. */
  readonly parents?: readonly string[];
  readonly hostnames?: readonly string[];
  /** Flow mappings without braces, of rules. */
  readonly rules?: readonly string[];
}

export function route(options: RouteOptions = {}): string {
  const { name = 'chat', namespace = 'default', created, parents = ['name: main'], hostnames, rules } = options;
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: ${namespace}${created === undefined ? '' : `, creationTimestamp: ${created}`} }
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

export function service(name = 'chat', ports = '{ port: 80 }', namespace = 'default'): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ports: [${ports}] }
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
