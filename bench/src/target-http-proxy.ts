/**
 * `http-proxy` on Node as a peer, started as a process of its own: the usual choice of who writes a WebSocket proxy in
 * JavaScript. The server itself is http-proxy-server.ts.
 */
import { fileURLToPath } from 'node:url';
import { Child } from './child.js';
import { freePort, type Started, type TargetPlace, waitForPort } from './place.js';

const server = fileURLToPath(new URL('./http-proxy-server.js', import.meta.url));

export async function startHttpProxy(place: TargetPlace): Promise<Started> {
  const port = await freePort();
  const child = new Child(process.execPath, [server, String(port), String(place.backendPort)], { cpus: place.cpus });
  await waitForPort(port, child);
  return { port, child };
}
