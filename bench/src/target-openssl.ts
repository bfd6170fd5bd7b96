/**
 * What OpenSSL itself takes for an idle TLS connection: native/tls-hold.c, which holds connections and does nothing else. It
 * is measured as the targets are, and is no WebSocket proxy: only the idle scenario asks it.
 */
import { tlsHoldProgram } from './build-native.js';
import { Child } from './child.js';
import type { Started, TargetPlace } from './place.js';

export async function startOpenssl(place: TargetPlace): Promise<Started> {
  const child = new Child(tlsHoldProgram, [place.tls.certificateFile, place.tls.keyFile], { cpus: place.cpus });
  const line: unknown = JSON.parse(await child.line(5000));
  if (typeof line !== 'object' || line === null || !('port' in line)) throw new Error('tls-hold named no port');
  return { port: 0, securePort: Number(line.port), child };
}
