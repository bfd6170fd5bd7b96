/** The scenarios of examples/reference as a test serves them: the manifests as they are, endpoints of the test's own. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Address } from './raw-client.js';

const FOLDER = fileURLToPath(new URL('../../examples/reference', import.meta.url));

/** The manifests of a scenario, as they are in its folder. */
export function scenarioManifests(name: string): string {
  const folder = join(FOLDER, name);
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  return files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n---\n');
}

/** Every scenario; `endpoints` is none, it says where their backends are. */
export function scenarioNames(): string[] {
  const entries = readdirSync(FOLDER, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() && entry.name !== 'endpoints' ? [entry.name] : []));
}

/** An EndpointSlice for each backend, by the name of its Service. */
export function endpoints(services: Readonly<Record<string, readonly Address[]>>): string {
  const slices = Object.entries(services).flatMap(([name, addresses]) =>
    addresses.map(({ address, port }, at) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `${name}-${at}`,
        namespace: 'test-infra',
        labels: { 'kubernetes.io/service-name': name },
      },
      addressType: 'IPv4',
      ports: [{ port }],
      endpoints: [{ addresses: [address] }],
    })),
  );
  return slices.map((slice) => JSON.stringify(slice)).join('\n---\n');
}

/** A scenario with these backends. */
export function scenario(name: string, services: Readonly<Record<string, readonly Address[]>>): string {
  return [scenarioManifests(name), endpoints(services)].join('\n---\n');
}
