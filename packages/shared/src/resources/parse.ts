/**
 * Manifests to typed resources: the whole of loading but the file system.
 *
 * Pure and total: every problem of every document comes back as an issue, nothing throws, and a resource is in the
 * result only when all of it was understood. Runs where the compiler does.
 */

import { explain, type Subject } from './explain.js';
import type { ConfigIssue } from './issue.js';
import { sortIssues } from './issue.js';
import { apiVersionOf, type ReadKind, readKindOf, readKindsNamed } from './kinds.js';
import { asMeant } from './reference-habits.js';
import { issueAt, type LoadResult, type Resource, type ResourceSet, resourceName } from './resource.js';
import { foundName } from './schema.js';
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

type Collections = { [Name in keyof ResourceSet]: Resource<unknown>[] };

function createReader() {
  const issues: ConfigIssue[] = [];
  const seen = new Map<string, Subject>();
  const unknown = new Map<string, { subject: Subject; count: number }>();
  const kept = emptyCollections();
  const read = (original: SourceObject) => {
    const { object, notes } = asMeant(original);
    const apiVersion = textOf(object.value.apiVersion);
    const subject = subjectOf(object);
    for (const { path, message, hint } of notes) issues.push(issueAt(subject, 'warning', path, message, hint, 'key'));
    const fault = headerFault(object, subject);
    if (fault.length > 0) return void issues.push(...fault);
    const kind = readKindOf(apiVersion, subject.kind);
    if (kind === undefined) {
      const key = `${apiVersion} ${subject.kind}`;
      const first = unknown.get(key);
      unknown.set(key, { subject: first?.subject ?? subject, count: (first?.count ?? 0) + 1 });
      return;
    }
    const result = readKind(kind, object, subject);
    issues.push(...result.issues);
    const repeated = duplicateOf(seen, subject, kind);
    if (repeated !== undefined) issues.push(repeated);
    else if (result.resource !== undefined) kept[kind.collection].push(result.resource);
  };
  const passedOver = () => [...unknown].map(([key, { subject, count }]) => passedOverIssue(key, subject, count));
  // Each kind's own schema made the spec that its collection holds.
  return { issues, resources: () => kept as unknown as ResourceSet, read, passedOver };
}

function emptyCollections(): Collections {
  return {
    gateways: [],
    gatewayClasses: [],
    httpRoutes: [],
    referenceGrants: [],
    backendTlsPolicies: [],
    albBackendTlsPolicies: [],
    frontendTlsPolicies: [],
    healthCheckPolicies: [],
    loadBalancingPolicies: [],
    routePolicies: [],
    services: [],
    endpointSlices: [],
    deployments: [],
    secrets: [],
    configMaps: [],
    namespaces: [],
  };
}

/** Kind, name and place of an object before any schema has seen it. */
function subjectOf({ value, origin }: SourceObject): Subject {
  const metadata = isRecord(value.metadata) ? value.metadata : {};
  const kind = typeof value.kind === 'string' ? value.kind : '';
  const clusterWide = readKindOf(textOf(value.apiVersion), kind)?.namespaced === false;
  const namespace = typeof metadata.namespace === 'string' ? metadata.namespace : 'default';
  const name = typeof metadata.name === 'string' ? metadata.name : '';
  return { kind, namespace: clusterWide || name === '' ? '' : namespace, name, origin };
}

/** The value when it is a string. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** What is wrong with apiVersion and kind themselves. */
function headerFault({ value }: SourceObject, subject: Subject): ConfigIssue[] {
  const wrong = ['apiVersion', 'kind'].filter((key) => typeof value[key] !== 'string' || value[key] === '');
  if (wrong.length > 0) {
    return wrong.map((key) => {
      const found = value[key] ?? '';
      const message = found === '' ? 'is required' : `must be a string, not ${foundName(found)}`;
      return issueAt(subject, 'error', [key], message, 'a manifest has apiVersion, kind and metadata');
    });
  }
  const apiVersion = textOf(value.apiVersion);
  const kind = readKindOf(apiVersion, subject.kind);
  const version = apiVersion.slice(apiVersion.lastIndexOf('/') + 1);
  if (kind === undefined || kind.versions.includes(version)) return [];
  const message = `version ${JSON.stringify(version)} of ${subject.kind} is not supported`;
  return [issueAt(subject, 'error', ['apiVersion'], message, `use ${apiVersionOf(kind)}`)];
}

interface Parsed {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: object;
    readonly creationTimestamp: number;
  };
  readonly spec: unknown;
}

function readKind({ kind, group, namespaced, schema }: ReadKind, { value, origin }: SourceObject, subject: Subject) {
  const result = schema.safeParse(value);
  if (!result.success) return { issues: explain(subject, value, result.error), resource: undefined };
  const { metadata, spec } = result.data as Parsed;
  const namespace = namespaced ? metadata.namespace : '';
  const { name, labels, annotations, creationTimestamp: createdAtMs } = metadata;
  const resource: Resource<unknown> = {
    apiVersion: textOf(value.apiVersion),
    group,
    kind,
    namespace,
    name,
    createdAtMs,
    labels,
    annotations,
    spec,
    origin,
  };
  return { issues: [], resource };
}

function duplicateOf(seen: Map<string, Subject>, subject: Subject, { group }: ReadKind): ConfigIssue | undefined {
  if (subject.name === '') return undefined;
  const key = `${group}/${subject.kind} ${resourceName(subject)}`;
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
  const known = readKindsNamed(subject.kind);
  const [first] = known;
  const hint = first === undefined ? '' : `Sluice reads ${first.kind} of ${known.map(apiVersionOf).join(' and ')}`;
  return issueAt(subject, 'warning', [], message, hint);
}
