/**
 * Sluice itself, by its command line and a Gateway API document, exactly as an operator starts it. The listener's port
 * is in the document; the JSON ready line on stdout says when it is served.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from './child.js';
import { freePort, type Started, type TargetPlace, waitForPort } from './place.js';

const command = fileURLToPath(new URL('../../packages/dataplane/bin/sluice.js', import.meta.url));
const readyTimeoutMs = 20_000;

export interface SluiceSettings {
  workers: number;
  /** A path, or `off`. */
  accessLog: string;
}

const document = (port: number, securePort: number, { backendPort, tls }: TargetPlace): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: bench, namespace: default }
spec:
  gatewayClassName: sluice
  listeners:
    - { name: http, protocol: HTTP, port: ${port} }
    - { name: https, protocol: HTTPS, port: ${securePort}, tls: { certificateRefs: [{ name: bench }] } }
---
apiVersion: v1
kind: Secret
metadata: { name: bench, namespace: default }
type: kubernetes.io/tls
stringData:
  tls.crt: ${JSON.stringify(tls.certificate)}
  tls.key: ${JSON.stringify(tls.privateKey)}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: echo, namespace: default }
spec:
  parentRefs: [{ name: bench }]
  rules:
    - matches: [{ path: { type: PathPrefix, value: / } }]
      backendRefs: [{ name: echo, port: 80 }]
---
apiVersion: v1
kind: Service
metadata: { name: echo, namespace: default }
spec:
  ports: [{ name: ws, port: 80, targetPort: ${backendPort} }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: echo-1, namespace: default, labels: { kubernetes.io/service-name: echo } }
addressType: IPv4
ports: [{ name: ws, port: ${backendPort}, protocol: TCP }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
`;

export async function startSluice(place: TargetPlace, settings: SluiceSettings): Promise<Started> {
  const port = await freePort();
  const securePort = await freePort();
  const file = join(place.folder, 'sluice.yaml');
  writeFileSync(file, document(port, securePort, place));
  const args = ['serve', '--config', file, '--workers', String(settings.workers), '--access-log', settings.accessLog];
  const more = [
    '--admin',
    'off',
    '--bind',
    '127.0.0.1',
    '--log-level',
    'warn',
    '--drain-timeout',
    '1',
    '--health',
    'off',
  ];
  const child = new Child(process.execPath, [command, ...args, ...more], { cpus: place.cpus });
  while (!isReadyLine(await child.line(readyTimeoutMs)));
  await waitForPort(port, child);
  await waitForPort(securePort, child);
  return { port, securePort, child };
}

function isReadyLine(line: string): boolean {
  return line.startsWith('{') && line.includes('"event":"ready"');
}
