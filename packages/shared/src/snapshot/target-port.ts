/**
 * The number of the port that pods listen on, for a port of a Service whose endpoints DNS finds.
 *
 * A named targetPort is a container's: a Deployment in the same files, whose pods the Service selects, knows its number.
 * Pure.
 */
import type { ConfigIssue } from '../resources/issue.js';
import { type Deployment, issueAt, resourceName, type Service } from '../resources/resource.js';
import type { ServicePort } from '../resources/service.js';
import { groupBy } from './group-by.js';

/** The port to dial: targetPort, if it is written. The issue, when its name does not lead to one number, is the Service's. */
export function resolveTargetPort(
  service: Service,
  port: ServicePort,
  deployments: DeploymentIndex,
  issues: ConfigIssue[],
): number {
  const { targetPort } = port;
  if (typeof targetPort !== 'string') return targetPort ?? port.port;
  const selected = candidates(service, deployments).filter((deployment) => selects(service, deployment));
  const found = selected.flatMap((deployment) => numbersOf(deployment, targetPort));
  const [number, ...others] = new Set(found);
  if (number !== undefined && others.length === 0) return number;
  const path = ['spec', 'ports', service.spec.ports.indexOf(port), 'targetPort'];
  const name = JSON.stringify(targetPort);
  const message =
    number === undefined
      ? `the named port ${name} has no number: ${reason(service, selected)}`
      : `the named port ${name} has several numbers: ${[number, ...others].sort((a, b) => a - b).join(', ')}`;
  issues.push(
    issueAt(service, 'error', path, message, 'write the number, or add the Deployment with that container port'),
  );
  return port.port;
}

/** By namespace and one label of their pods: each is there once for every label. */
export type DeploymentIndex = ReadonlyMap<string, readonly Deployment[]>;

export function indexDeployments(deployments: readonly Deployment[]): DeploymentIndex {
  const labelled = deployments.flatMap((deployment) =>
    Object.entries(deployment.spec.template.metadata.labels).map((label) => ({ label, deployment })),
  );
  const groups = groupBy(labelled, ({ label, deployment }) => labelKey(deployment.namespace, label));
  return new Map([...groups].map(([key, group]) => [key, group.map(({ deployment }) => deployment)]));
}

function labelKey(namespace: string, [key, value]: readonly [string, string]): string {
  return JSON.stringify([namespace, key, value]);
}

/** Those that have the rarest of the labels that the Service asks for. */
function candidates({ namespace, spec: { selector } }: Service, deployments: DeploymentIndex): readonly Deployment[] {
  const groups = Object.entries(selector).map((label) => deployments.get(labelKey(namespace, label)) ?? []);
  const [first = [], ...rest] = groups;
  return rest.reduce((rarest, group) => (group.length < rarest.length ? group : rarest), first);
}

function selects({ namespace, spec: { selector } }: Service, deployment: Deployment): boolean {
  const { labels } = deployment.spec.template.metadata;
  const wanted = Object.entries(selector);
  return (
    deployment.namespace === namespace && wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value)
  );
}

function numbersOf(deployment: Deployment, name: string): number[] {
  const ports = deployment.spec.template.spec.containers.flatMap((container) => container.ports);
  return ports.filter((port) => port.name === name && port.protocol === 'TCP').map((port) => port.containerPort);
}

function reason(service: Service, selected: readonly Deployment[]): string {
  if (Object.keys(service.spec.selector).length === 0) return 'the Service has no selector';
  if (selected.length === 0) return `no Deployment of namespace ${service.namespace} has pods that the Service selects`;
  const names = selected.map(resourceName).sort();
  return `no container of Deployment ${names.join(', ')} has a TCP port of that name`;
}
