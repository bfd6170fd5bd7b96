/**
 * HAProxy as a peer: one thread, HTTP mode, nothing logged, default buffers, long timeouts, limits far above the load.
 * The forwarding headers are the ones any deployment sets; they are also what Sluice sets on every handshake.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { group, suite13, suites12 } from './certificate.js';
import { Child, findProgram } from './child.js';
import { freePort, type Started, type TargetPlace, waitForPort } from './place.js';

const configuration = (port: number, securePort: number, { backendPort, tls }: TargetPlace): string => `
global
  nbthread 1
  maxconn 9000
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  timeout http-request 10s
  option forwardfor
frontend bench
  bind 127.0.0.1:${port} backlog 4096
  http-request set-header X-Forwarded-Proto http
  default_backend echo
frontend secure
  bind 127.0.0.1:${securePort} backlog 4096 ssl crt ${tls.bothFile} alpn http/1.1 ssl-min-ver TLSv${tls.version} ssl-max-ver TLSv${tls.version} ciphers ${suites12[tls.key]} ciphersuites ${suite13} curves ${group}
  http-request set-header X-Forwarded-Proto https
  default_backend echo
backend echo
  server echo 127.0.0.1:${backendPort}
`;

export async function startHaproxy(place: TargetPlace): Promise<Started> {
  const port = await freePort();
  const securePort = await freePort();
  const file = join(place.folder, 'haproxy.cfg');
  writeFileSync(file, configuration(port, securePort, place));
  const child = new Child(findProgram('haproxy') ?? 'haproxy', ['-db', '-f', file], { cpus: place.cpus });
  await waitForPort(port, child);
  await waitForPort(securePort, child);
  return { port, securePort, child };
}
