/**
 * What a target is to the runner: something that listens on a port of 127.0.0.1, and on another with TLS, forwards to the
 * backend's port, and whose CPU time and memory can be read. `direct` is the backend itself, the ceiling of what the load
 * can show; `openssl` is what an idle TLS connection costs anybody.
 */
import { join } from 'node:path';
import type { Started, TargetPlace } from './place.js';
import { startHaproxy } from './target-haproxy.js';
import { startHttpProxy } from './target-http-proxy.js';
import { startNginx } from './target-nginx.js';
import { startOpenssl } from './target-openssl.js';
import { startSluice } from './target-sluice.js';

export interface RunningTarget extends Started {
  name: string;
}

type Start = (place: TargetPlace) => Promise<Started>;

const starts: Record<string, Start> = {
  sluice: (place) => startSluice(place, { workers: 1, accessLog: 'off' }),
  'sluice-1w': (place) => startSluice({ ...place, cpus: undefined }, { workers: 1, accessLog: 'off' }),
  'sluice-2w': (place) => startSluice({ ...place, cpus: undefined }, { workers: 2, accessLog: 'off' }),
  'sluice-log': (place) => startSluice(place, { workers: 1, accessLog: join(place.folder, 'access.log') }),
  haproxy: startHaproxy,
  nginx: startNginx,
  'http-proxy': startHttpProxy,
  openssl: startOpenssl,
  direct: (place) => Promise.resolve({ port: place.backendPort, child: undefined }),
};

export const targetNames = Object.keys(starts);

export async function startTarget(name: string, place: TargetPlace): Promise<RunningTarget> {
  const start = starts[name];
  if (start === undefined) throw new Error(`no target is called "${name}"; there are ${targetNames.join(', ')}`);
  return { name, ...(await start(place)) };
}
