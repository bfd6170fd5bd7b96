/**
 * Manifests to typed resources: the whole of loading but the file system.
 *
 * Pure and total: every problem of every document comes back as an issue, nothing throws, and a resource is in the
 * result only when all of it was understood. Runs where the compiler does.
 */

import { explain, type Subject } from './explain.js';
import type { ConfigIssue } from './issue.js';
import { sortIssues } from './issue.js';
import { apiVersionOf, groupOf, isReadKind, READ_KINDS, REFUSED_KINDS, type ReadKindName } from './kinds.js';
import type {
  Deployment,
  EndpointSlice,
  Gateway,
  HealthCheckPolicy,
  HttpRoute,
  LoadBalancingPolicy,
  LoadResult,
  Resource,
  ResourceSet,
  RoutePolicy,
  Service,
} from './resource.js';
import { issueAt, resourceName } from './resource.js';
import { isRecord, readSource, type SourceFile, type SourceObject } from './source.js';

/** The resources of several files, in any order. Whether a Gateway is among them is not asked here. */
export function parseResources(files: readonly SourceFile[]): LoadResult {
  const reader = createReader();
  for (const file of files) {
    const { objects, issues } = readSource(file);
    reader.issues.push(...issues);
    for (const object of objects) reader.read(object);
  }
  return { resources: reader.resources(), issues: sortIssues([...reader.issues, ...reader.passedOver()]) };
}

function createReader() {
  const issues: ConfigIssue[] = [];
  const seen = new Map<string, Subject>();
  const unknown = new Map<string, { subject: Subject; count: number }>();
  const kept = new Map<ReadKindName, Resource<unknown>[]>();
  const keep = (kind: ReadKindName, resource: Resource<unknown>) => {
    const collection = kept.get(kind);
    if (collection === undefined) kept.set(kind, [resource]);
    else collection.push(resource);
  };
  const read = (object: SourceObject) => {
    const subject = subjectOf(object);
    const apiVersion = object.value.apiVersion;
    const fault = headerFault(object, subject);
    if (fault.length > 0) return void issues.push(...fault);
    const kind = subject.kind;
    if (!isReadKind(kind) || groupOf(String(apiVersion)) !== READ_KINDS[kind].group) {
      const key = `${apiVersion} ${kind}`;
      const refusal = REFUSED_KINDS.get(`${groupOf(String(apiVersion))}/${kind}`);
      if (refusal !== undefined) issues.push(issueAt(subject, 'error', [], 'kind is not supported yet', refusal));
      else
        unknown.set(key, { subject: unknown.get(key)?.subject ?? subject, count: (unknown.get(key)?.count ?? 0) + 1 });
      return;
    }
    const result = readKind(kind, object, subject);
    issues.push(...result.issues);
    const repeated = duplicateOf(seen, subject);
    if (repeated !== undefined) issues.push(repeated);
    else if (result.resource !== undefined) keep(kind, result.resource);
  };
  const passedOver = () => [...unknown].map(([key, { subject, count }]) => passedOverIssue(key, subject, count));
  return { issues, resources: () => collections(kept), read, passedOver };
}

/** Each kind's own schema made the spec that its collection holds. */
function collections(kept: ReadonlyMap<ReadKindName, readonly Resource<unknown>[]>): ResourceSet {
  const of = <Kind>(kind: ReadKindName) => (kept.get(kind) ?? []) as readonly Kind[];
  return {
    gateways: of<Gateway>('Gateway'),
    httpRoutes: of<HttpRoute>('HTTPRoute'),
    services: of<Service>('Service'),
    endpointSlices: of<EndpointSlice>('EndpointSlice'),
    deployments: of<Deployment>('Deployment'),
    healthCheckPolicies: of<HealthCheckPolicy>('HealthCheckPolicy'),
    loadBalancingPolicies: of<LoadBalancingPolicy>('BackendLoadBalancingPolicy'),
    routePolicies: of<RoutePolicy>('RoutePolicy'),
  };
}

/** Kind, name and place of an object before any schema has seen it. */
function subjectOf({ value, origin }: SourceObject): Subject {
  const metadata = isRecord(value.metadata) ? value.metadata : {};
  const kind = typeof value.kind === 'string' ? value.kind : '';
  const clusterWide = isReadKind(kind) && !READ_KINDS[kind].namespaced;
  const namespace = typeof metadata.namespace === 'string' ? metadata.namespace : 'default';
  const name = typeof metadata.name === 'string' ? metadata.name : '';
  return { kind, namespace: clusterWide || name === '' ? '' : namespace, name, origin };
}

/** What is wrong with apiVersion and kind themselves. */
function headerFault({ value }: SourceObject, subject: Subject): ConfigIssue[] {
  const missing = ['apiVersion', 'kind'].filter((key) => typeof value[key] !== 'string' || value[key] === '');
  if (missing.length > 0) {
    return missing.map((key) =>
      issueAt(subject, 'error', [key], 'is required', 'a manifest has apiVersion, kind and metadata'),
    );
  }
  const { kind } = subject;
  const apiVersion = String(value.apiVersion);
  if (!isReadKind(kind)) return [];
  const { group, versions } = READ_KINDS[kind];
  const version = apiVersion.slice(apiVersion.lastIndexOf('/') + 1);
  if (groupOf(apiVersion) !== group || (versions as readonly string[]).includes(version)) return [];
  const message = `version ${JSON.stringify(version)} of ${kind} is not supported`;
  return [issueAt(subject, 'error', ['apiVersion'], message, `use ${apiVersionOf(READ_KINDS[kind])}`)];
}

interface Parsed {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly creationTimestamp: number;
  };
  readonly spec: unknown;
}

function readKind(kind: ReadKindName, { value, origin }: SourceObject, subject: Subject) {
  const result = READ_KINDS[kind].schema.safeParse(value);
  if (!result.success) return { issues: explain(subject, value, result.error), resource: undefined };
  const { metadata, spec } = result.data as Parsed;
  const namespace = READ_KINDS[kind].namespaced ? metadata.namespace : '';
  const { name, labels, creationTimestamp: createdAtMs } = metadata;
  const resource: Resource<unknown> = { kind, namespace, name, createdAtMs, labels, spec, origin };
  return { issues: [], resource };
}

function duplicateOf(seen: Map<string, Subject>, subject: Subject): ConfigIssue | undefined {
  if (subject.name === '') return undefined;
  const key = `${subject.kind} ${resourceName(subject)}`;
  const first = seen.get(key);
  seen.set(key, first ?? subject);
  if (first === undefined) return undefined;
  const { line, column } = first.origin.locate([]);
  const message = `is defined a second time; the first is at ${first.origin.file}:${line}:${column}`;
  return issueAt(subject, 'error', [], message, 'remove one, or give it another name or namespace');
}

function passedOverIssue(key: string, subject: Subject, count: number): ConfigIssue {
  const more = count === 1 ? '' : ` (${count} of them; this is the first)`;
  const message = `kind ${key.slice(key.indexOf(' ') + 1)} of ${key.slice(0, key.indexOf(' '))} is not read: passed over${more}`;
  const hint = isReadKind(subject.kind)
    ? `Sluice reads ${subject.kind} of ${apiVersionOf(READ_KINDS[subject.kind])}`
    : '';
  return issueAt(subject, 'warning', [], message, hint);
}
