/**
 * RequestRedirect: where a request is sent to instead of being forwarded (HTTPRequestRedirectFilter).
 *
 * Invariant: the Location is one absolute URI made of the configuration, a valid host and a strictly parsed target: what a
 * client sends can neither end the field nor name another host by its path. Pure; runs in the workers.
 */
import type { RedirectSnapshot } from '@sluice/shared/snapshot/rule-policy';
import type { ListenerInfo } from '@sluice/shared/snapshot/snapshot';
import type { RequestHead } from './head.js';
import { OwnAnswer } from './own-answer.js';
import { modifiedPath } from './rewrite.js';

/** What of a request a redirect is made of. `host`: lower case, IPv6 in brackets, without port. */
export type Redirected = Pick<RequestHead, 'host' | 'query'> & { readonly path: string; readonly prefixLength: number };

export function redirectAnswer(
  redirect: RedirectSnapshot,
  request: Redirected,
  listener: Pick<ListenerInfo, 'protocol' | 'port'>,
): OwnAnswer {
  return new OwnAnswer('redirect', redirect.status, `Location: ${location(redirect, request, listener)}\r\n`);
}

/** A request of HTTP/1.0 may name no host: then the Location is its path alone, a reference (RFC 9110 10.2.2). */
function location(
  redirect: RedirectSnapshot,
  { host, query, path, prefixLength }: Redirected,
  { protocol, port: listenerPort }: Pick<ListenerInfo, 'protocol' | 'port'>,
): string {
  const to = modifiedPath(path, prefixLength, redirect.path) + (query === undefined ? '' : `?${query}`);
  const name = redirect.hostname === '' ? host : redirect.hostname;
  if (name === '') return to;
  const scheme = redirect.scheme === '' ? protocol.toLowerCase() : redirect.scheme;
  const port = redirect.port === -1 ? listenerPort : redirect.port;
  const shown = port === 0 || port === (scheme === 'https' ? 443 : 80) ? '' : `:${port}`;
  return `${scheme}://${name}${shown}${to}`;
}
