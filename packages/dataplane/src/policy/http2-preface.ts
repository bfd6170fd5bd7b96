/**
 * Whether a connection begins with HTTP/2, and may (RFC 9113 3.3, 3.4): its preface is a whole head for the engine.
 *
 * With TLS both sides have agreed by ALPN, and nothing else is taken; on a plain port every listener must take it, for
 * nothing says yet which one the requests will be for. Pure; runs in the workers.
 */
import type { ListenerInfo } from '@sluice/shared/snapshot/snapshot';
import type { ClientTls } from '../engine/tls-info.js';
import { isRefusal, type Refusal, refuse } from './refusal.js';
import type { Router } from './router.js';

/** The part of it that the engine reads as a head; `SM`, twice the end of a line and frames follow. */
export const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\n';

type Http2 = Pick<ListenerInfo, 'http2' | 'websocketOverHttp2'>;

/** What of a configuration says so. */
interface Ports {
  readonly ports: readonly { readonly listeners: readonly number[] }[];
  readonly router: Pick<Router, 'listener'>;
  readonly snapshot: { listener(index: number): (Http2 & Pick<ListenerInfo, 'protocol'>) | undefined };
}

const NEITHER: Http2 = { http2: false, websocketOverHttp2: false };

/** What a connection of this port may do, by the listener of its server name or, without TLS, by all of them. */
export function http2Of({ ports, router, snapshot }: Ports, listenerTag: number, tls: ClientTls | null): Http2 {
  const listeners = ports[listenerTag]?.listeners ?? [];
  if (tls !== null) {
    const found = router.listener(listeners, tls.serverName);
    return (isRefusal(found) ? undefined : snapshot.listener(found)) ?? NEITHER;
  }
  const infos = listeners.map((index) => snapshot.listener(index));
  const all = (is: (info: Http2) => boolean) =>
    infos.length > 0 && infos.every((info) => info !== undefined && is(info));
  if (infos.some((info) => info?.protocol === 'HTTPS')) return NEITHER;
  return { http2: all(({ http2 }) => http2), websocketOverHttp2: all((info) => info.websocketOverHttp2) };
}

/** true: the head is the preface, and the connection speaks HTTP/2; false: the head is another one. */
export function beginsHttp2(
  head: string,
  tls: ClientTls | null,
  configuration: Ports,
  listenerTag: number,
): boolean | Refusal {
  const preface = head === HTTP2_PREFACE;
  if (tls?.alpn === 'h2') {
    return preface || refuse('version-not-supported', 'this connection was agreed to speak HTTP/2');
  }
  if (!preface) return false;
  if (tls !== null)
    return refuse('version-not-supported', undefined, 'HTTP/2, and the client had not agreed on it by ALPN');
  if (http2Of(configuration, listenerTag, tls).http2) return true;
  return refuse('version-not-supported', undefined, 'HTTP/2 without TLS, which needs sluice.dev/h2c on the Gateway');
}
