/**
 * The heads that go on to the other side, written anew from what was parsed.
 *
 * Invariant: end-to-end fields keep their order, spelling and values; hop-by-hop fields never pass; what the gateway
 * states itself (Connection, Upgrade, x-forwarded-*, x-request-id, framing) it states once, and nothing that a peer sent
 * can replace or remove it, nor can a filter. Parts come from strict parsing and hold no line ends, so none can be injected.
 * Pure; runs in the workers.
 */
import { isCorsField } from '@sluice/shared/snapshot/own-fields';
import { RelayMode } from '../engine/binding.js';
import { Field, fieldName } from './field-name.js';
import { firstValue, type HeaderField, hasField, listsToken } from './fields.js';
import { framingOf } from './framing.js';
import type { RequestHead, ResponseHead } from './head.js';
import type { FieldChanges } from './header-changes.js';
import { isHopByHop, isNominated, nominated } from './hop-by-hop.js';
import { isRefusal, type Refusal } from './refusal.js';

export interface ForwardContext {
  /** The peer's address as text, IPv6 without brackets. */
  readonly clientAddress: string;
  readonly scheme: 'http' | 'https';
  readonly requestId: string;
}

/** How the request goes on otherwise than it came; see header-changes.ts and rewrite.ts. */
export interface ForwardChanges {
  /** Without the query. */
  readonly path: string;
  /** New Host; '' keeps the client's. */
  readonly host: string;
  readonly fields: FieldChanges | undefined;
}

export interface Relay {
  readonly head: string;
  readonly mode: RelayMode;
  /** Body bytes when `mode` is `length`, else 0. */
  readonly length: number;
}

/** The request head for the backend: origin-form, HTTP/1.1, the upgrade rebuilt, who asked appended. */
export function requestHead(request: RequestHead, context: ForwardContext, changes?: ForwardChanges): string {
  const fields = requestFields(request, context, changes, 'Connection: Upgrade\r\nUpgrade: websocket\r\n');
  return `GET ${forwardedTarget(request, changes)} HTTP/1.1\r\n${fields}\r\n`;
}

/**
 * Field lines of a request that asks for no upgrade. Framing is left to whoever writes it, but for a length that was
 * declared; an expectation is the gateway's to meet, so it ends here.
 */
export function plainRequestFields(request: RequestHead, context: ForwardContext, changes?: ForwardChanges): string {
  const length = firstValue(request.fields, Field.contentLength);
  const framing = length === undefined ? '' : `Content-Length: ${length}\r\n`;
  const fields = request.fields.filter(({ lowerName }) => lowerName !== 'expect');
  return requestFields({ ...request, fields }, context, changes, framing);
}

/** The request target for the backend, in origin-form. */
export function forwardedTarget(request: RequestHead, changes?: ForwardChanges): string {
  return changes === undefined ? originForm(request) : changedForm(request, changes.path);
}

/** `hop`: field lines of this hop's own. */
function requestFields(
  request: RequestHead,
  context: ForwardContext,
  changes: ForwardChanges | undefined,
  hop: string,
): string {
  const names = nominated(request.fields);
  const dropped = changes?.fields?.dropped;
  let forwardedFor = '';
  let text = '';
  for (const field of request.fields) {
    if (isNominated(field, names)) continue;
    if (field.id === Field.forwardedFor) forwardedFor += field.value === '' ? '' : `${field.value}, `;
    else if (field.id === Field.host && changes !== undefined) text += hostField(field, changes.host);
    else if (!isReplaced(field) && !isDropped(field, dropped)) text += `${field.name}: ${field.value}\r\n`;
  }
  return (
    `${text}${changes?.fields?.lines ?? ''}${hop}x-forwarded-for: ${forwardedFor}${context.clientAddress}\r\n` +
    `x-forwarded-proto: ${context.scheme}\r\nx-request-id: ${context.requestId}\r\n`
  );
}

function originForm(request: RequestHead): string {
  const { target, path, query } = request;
  if (target.startsWith('/')) return target;
  return query === undefined ? path : `${path}?${query}`;
}

function changedForm({ query }: RequestHead, path: string): string {
  return query === undefined ? path : `${path}?${query}`;
}

/** CGI and its heirs read `X_User` as `X-User`: with that a client would say what it may not say by the other. */
function isDropped({ id, lowerName }: HeaderField, dropped: ReadonlySet<string> | undefined): boolean {
  if (dropped?.has(lowerName) === true) return true;
  if (id !== Field.other || !lowerName.includes('_')) return false;
  const { lower, id: meant } = fieldName(lowerName.replaceAll('_', '-'));
  const stated = meant === Field.forwardedFor || meant === Field.forwardedProto || meant === Field.requestId;
  return stated || dropped?.has(lower) === true;
}

function hostField(field: HeaderField, host: string): string {
  return `${field.name}: ${host === '' ? field.value : host}\r\n`;
}

/** Fields of a handshake that do not pass as they are. It has no body: a `Content-Length: 0` says nothing. */
function isReplaced(field: HeaderField): boolean {
  const { id } = field;
  if (id === Field.other) return false;
  return (
    isHopByHop(id) ||
    id === Field.trailer ||
    id === Field.contentLength ||
    id === Field.transferEncoding ||
    id === Field.forwardedProto ||
    id === Field.requestId
  );
}

/** What an answer that is passed on gets and loses beside what always does. */
export interface AnswerChanges {
  /** Whole field lines of the gateway, each with its CR LF. */
  readonly added: string;
  readonly fields: FieldChanges | undefined;
  /** What the backend says of CORS does not pass: the gateway does. */
  readonly cors: boolean;
}

export const UNCHANGED: AnswerChanges = { added: '', fields: undefined, cors: false };

/** The 101 for the client. It has no body, so it carries no framing (RFC 9110 8.6, RFC 9112 6.1). */
export function switchHead(response: ResponseHead, requestId: string, changes = UNCHANGED): string {
  return (
    `HTTP/1.1 101 ${response.reason}\r\n${endToEnd(response, changes)}` +
    `Connection: Upgrade\r\nUpgrade: websocket\r\nx-request-id: ${requestId}\r\n\r\n`
  );
}

/** An interim answer (1xx but 101) for the client. Filters change final answers alone. */
export function interimHead(response: ResponseHead): string {
  return `HTTP/1.1 ${response.status} ${response.reason}\r\n${endToEnd(response, UNCHANGED)}\r\n`;
}

/**
 * A final answer that is no 101, for the client, and how its body ends. The connection ends with it. `date` is added when
 * the backend sent no Date, as whoever forwards must (RFC 9110 6.6.1); '' adds none.
 */
export function relayHead(
  response: ResponseHead,
  requestId: string,
  date: string,
  changes = UNCHANGED,
): Relay | Refusal {
  const framing = framingOf(response);
  if (isRefusal(framing)) return framing;
  const head =
    `HTTP/1.1 ${response.status} ${response.reason}\r\n${endToEnd(response, changes)}${framing.fields}` +
    (date === '' || hasField(response.fields, Field.date) ? '' : `Date: ${date}\r\n`) +
    `${closing(response)}x-request-id: ${requestId}\r\n\r\n`;
  return { head, mode: framing.mode, length: framing.length };
}

/**
 * Field lines of a final answer to a request that asked for no upgrade; a refusal when its framing cannot be followed.
 * Whoever writes it frames it, but for a length that the backend gave.
 */
export function plainAnswerFields(
  response: ResponseHead,
  requestId: string,
  date: string,
  changes = UNCHANGED,
): string | Refusal {
  const framing = framingOf(response);
  if (isRefusal(framing)) return framing;
  return (
    endToEnd(response, changes) +
    (framing.mode === RelayMode.chunked ? '' : framing.fields) +
    (hasField(response.fields, Field.date) ? '' : `Date: ${date}\r\n`) +
    (response.status === 426 ? closing(response) : '') +
    `x-request-id: ${requestId}\r\n`
  );
}

/** A 426 must say what to upgrade to (RFC 9110 15.5.22): of what the backend says, websocket is what we pass on. */
function closing(response: ResponseHead): string {
  const upgrades = response.status === 426 && listsToken(response.fields, Field.upgrade, 'websocket');
  return upgrades ? 'Connection: close, Upgrade\r\nUpgrade: websocket\r\n' : 'Connection: close\r\n';
}

function endToEnd(response: ResponseHead, { added, fields, cors }: AnswerChanges): string {
  const names = nominated(response.fields);
  const dropped = fields?.dropped;
  let text = '';
  for (const field of response.fields) {
    const { id } = field;
    if (isHopByHop(id) || isNominated(field, names)) continue;
    if (id === Field.contentLength || id === Field.transferEncoding || id === Field.requestId) continue;
    if (id === Field.loadMetrics || dropped?.has(field.lowerName) === true) continue;
    if (cors && isCorsField(field.lowerName)) continue;
    text += `${field.name}: ${field.value}\r\n`;
  }
  return `${text}${fields?.lines ?? ''}${added}`;
}
