/**
 * The RFC 6455 handshake as an intermediary sees it: what a client must ask and what a backend must answer.
 *
 * Invariant: only a handshake that both sides agree on is spliced. A request that asks for no upgrade to websocket is a
 * plain request (426), one that asks wrongly is malformed (400); a 101 that does not answer this very handshake is the
 * backend's fault (502). Pure; runs in the workers.
 */
import { hash } from 'node:crypto';
import { BASE64, skipClass } from './characters.js';
import { Field, type FieldId } from './field-name.js';
import { type HeaderField, hasField, listItems, listsToken, onlyValue } from './fields.js';
import type { RequestHead, ResponseHead } from './head.js';
import { type Refusal, refuse } from './refusal.js';

export interface Handshake {
  /** Sec-WebSocket-Key. */
  readonly key: string;
  /** The values of the Sec-WebSocket-Protocol fields as received, each a comma list. */
  readonly subprotocols: readonly string[];
  /** Whether the client offered any extension. */
  readonly extensions: boolean;
}

const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);
const NONE: readonly string[] = [];

/**
 * The handshake of a request, or why it is none. The order decides the status: a method that nobody knows (501), no
 * upgrade to websocket (426; HTTP/1.0 has none, RFC 9110 7.8), another method than GET (405), then the handshake itself.
 */
export function checkHandshake(request: RequestHead): Handshake | Refusal {
  const { method, fields } = request;
  if (method !== 'GET' && !KNOWN_METHODS.has(method)) return refuse('unknown-method');
  if (method === 'TRACE') return refuse('method-not-allowed');
  if (request.minorVersion === 0) return refuse('upgrade-required', 'HTTP/1.0 knows no upgrades');
  if (!listsToken(fields, Field.upgrade, 'websocket')) {
    return refuse(hasField(fields, Field.upgrade) ? 'unsupported-upgrade' : 'upgrade-required');
  }
  if (method !== 'GET') return refuse('method-not-allowed', 'a WebSocket handshake is a GET');
  return checkOffer(fields);
}

/** Whether the value of an Upgrade field is the offer of HTTP/2 in clear text alone, which RFC 9113 has made obsolete. */
export function isH2c(value: string): boolean {
  return value.toLowerCase() === 'h2c';
}

function checkOffer(fields: readonly HeaderField[]): Handshake | Refusal {
  if (!listsToken(fields, Field.connection, 'upgrade')) return refuse('websocket-connection');
  if (declaresBody(fields)) return refuse('body-declared');
  // Missing, repeated or another: the answer names the version to use either way (RFC 6455 4.2.2).
  if (onlyValue(fields, Field.webSocketVersion) !== '13') return refuse('websocket-version');
  const key = onlyValue(fields, Field.webSocketKey);
  if (key === undefined || !isKey(key)) return refuse('websocket-key');
  const extensions = hasField(fields, Field.webSocketExtensions);
  return { key, subprotocols: valuesOf(fields, Field.webSocketProtocol), extensions };
}

/** Any transfer coding, and any length but 0: a length that is not valid, or differs from another, is none. */
function declaresBody(fields: readonly HeaderField[]): boolean {
  for (const field of fields) {
    if (field.id === Field.transferEncoding) return true;
    if (field.id === Field.contentLength && field.value !== '0') return true;
  }
  return false;
}

function valuesOf(fields: readonly HeaderField[], id: FieldId): readonly string[] {
  return hasField(fields, id) ? fields.filter((field) => field.id === id).map((field) => field.value) : NONE;
}

/** Canonical base64 of 16 bytes: 22 characters, of which the last carries 2 bits, and `==`. */
function isKey(key: string): boolean {
  return (
    key.length === 24 && key.endsWith('==') && skipClass(key, 0, 22, BASE64) === 22 && 'AQgw'.includes(key.charAt(21))
  );
}

/** The Sec-WebSocket-Accept that answers a key (RFC 6455 4.2.2). */
export function acceptOf(key: string): string {
  return hash('sha1', `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, 'base64');
}

/** Whether a 101 answers this handshake (RFC 6455 4.1, what a client must check); undefined when it does. */
export function checkSwitch(response: ResponseHead, handshake: Handshake): undefined | Refusal {
  const { fields } = response;
  if (response.status !== 101 || response.minorVersion === 0) return badUpgrade('it is no HTTP/1.1 101');
  if (onlyValue(fields, Field.upgrade)?.toLowerCase() !== 'websocket') return badUpgrade('Upgrade is not websocket');
  if (!listsToken(fields, Field.connection, 'upgrade')) return badUpgrade('Connection does not list upgrade');
  if (onlyValue(fields, Field.webSocketAccept) !== acceptOf(handshake.key)) {
    return badUpgrade('Sec-WebSocket-Accept does not answer the key');
  }
  if (!handshake.extensions && hasField(fields, Field.webSocketExtensions))
    return badUpgrade('no extension was offered');
  return checkSubprotocol(fields, handshake.subprotocols);
}

/** One of those that were offered, compared with its case, or none (RFC 6455 4.1). */
function checkSubprotocol(fields: readonly HeaderField[], offered: readonly string[]): undefined | Refusal {
  if (!hasField(fields, Field.webSocketProtocol)) return undefined;
  const chosen = onlyValue(fields, Field.webSocketProtocol);
  const known = chosen !== undefined && offered.some((list) => listItems(list).includes(chosen));
  return known ? undefined : badUpgrade('the subprotocol is none that was offered');
}

function badUpgrade(detail: string): Refusal {
  return refuse('upstream-bad-upgrade', detail);
}
