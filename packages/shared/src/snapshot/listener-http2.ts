/**
 * Whether a listener speaks HTTP/2, by the annotations of its Gateway.
 *
 * An HTTPS listener has ALPN to choose by, so both sides know what they speak; a client of an HTTP one has to begin with
 * HTTP/2 unasked (RFC 9113 3.3), which only proxies do: there the Gateway has to say so. Pure.
 */
import type { Gateway } from '../resources/resource.js';
import type { ListenerInfo } from './snapshot.js';

/** `secure`: of an HTTPS listener. */
export function http2Of(
  { annotations }: Pick<Gateway, 'annotations'>,
  secure: boolean,
): Pick<ListenerInfo, 'http2' | 'websocketOverHttp2'> {
  const http2 = secure ? annotations.http2 !== 'off' : annotations.h2c === 'on';
  return { http2, websocketOverHttp2: http2 && annotations.websocketOverHttp2 !== 'off' };
}
