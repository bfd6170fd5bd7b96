/**
 * CORS (HTTPCORSFilter): preflights answered by the gateway, fields on answers of the backend, and cross-origin WebSocket
 * handshakes, which browsers do not guard, refused unless the Origin is allowed.
 *
 * Invariant: what an answer says of CORS is the gateway's alone; an origin that is not allowed is told nothing. With
 * credentials nothing is answered with `*`, which browsers would take for a name. Pure; runs in the workers.
 */
import type { CorsSnapshot } from '@sluice/shared/snapshot/rule-policy';
import { isAll, TOKEN } from './characters.js';
import { type HeaderField, listItems } from './fields.js';
import type { RequestHead } from './head.js';
import { isAllowed, isSameOrigin, type Origin, originOf } from './origins.js';
import { OwnAnswer } from './own-answer.js';
import { type Refusal, refuse } from './refusal.js';

const VARY = 'Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n';

/** Whether a handshake may go on. Without an Origin it is no browser's, and CORS has nothing to say of it. */
export function checkCors(cors: CorsSnapshot, request: RequestHead, secure: boolean): Refusal | undefined {
  const origin = originOf(request.fields);
  if (origin === undefined || isSameOrigin(origin, request, secure)) return undefined;
  return isAllowed(cors.allowOrigins, origin, request, secure) ? undefined : refuse('origin-not-allowed');
}

/** The answer to a preflight (Fetch, CORS-preflight request); undefined when the request is none. */
export function preflightAnswer(cors: CorsSnapshot, request: RequestHead): OwnAnswer | undefined {
  if (request.method !== 'OPTIONS') return undefined;
  const origin = originOf(request.fields);
  const method = joined(request.fields, 'access-control-request-method');
  if (origin === undefined || method === '') return undefined;
  const shared = sharedFields(cors, origin, request);
  if (shared === '') return new OwnAnswer('cors-preflight', 204, VARY);
  const headers = joined(request.fields, 'access-control-request-headers');
  const fields =
    shared +
    listField('Access-Control-Allow-Methods', cors.allowMethods, cors.allowCredentials ? method : '*') +
    listField('Access-Control-Allow-Headers', cors.allowHeaders, cors.allowCredentials ? headers : '*') +
    `Access-Control-Max-Age: ${cors.maxAgeS}\r\n${VARY}`;
  return new OwnAnswer('cors-preflight', 204, fields);
}

/** Field lines for an answer of the backend, each with its CR LF. */
export function corsFields(cors: CorsSnapshot, request: RequestHead): string {
  const origin = originOf(request.fields);
  const shared = origin === undefined ? '' : sharedFields(cors, origin, request);
  if (shared === '') return 'Vary: Origin\r\n';
  return `${shared}${listField('Access-Control-Expose-Headers', cors.exposeHeaders, cors.allowCredentials ? '' : '*')}Vary: Origin\r\n`;
}

/** That the answer may be read by this origin; '' when it may not. */
function sharedFields(cors: CorsSnapshot, origin: Origin, request: RequestHead): string {
  if (!isAllowed(cors.allowOrigins, origin, request, false)) return '';
  const { allowCredentials } = cors;
  const value = cors.allowOrigins.includes('*') && !allowCredentials ? '*' : named(origin);
  if (value === '') return '';
  return `Access-Control-Allow-Origin: ${value}\r\n${allowCredentials ? 'Access-Control-Allow-Credentials: true\r\n' : ''}`;
}

/** As the client wrote it, which is what it compares with; '' for what no browser sends. */
function named({ value, text }: Origin): string {
  return text === '' && value !== 'null' ? '' : value;
}

/** A field that lists names. `any`: what stands for `*`, as a comma list; the field is left out when that is none. */
function listField(name: string, names: readonly string[], any: string): string {
  const listed = names.includes('*') ? listItems(any).filter((item) => isAll(item, TOKEN)) : names;
  return listed.length === 0 ? '' : `${name}: ${listed.join(', ')}\r\n`;
}

/** Values of all the fields of this lower-case name as one; '' when there is none. */
function joined(fields: readonly HeaderField[], name: string): string {
  return fields
    .filter(({ lowerName }) => lowerName === name)
    .map(({ value }) => value)
    .join(', ');
}
