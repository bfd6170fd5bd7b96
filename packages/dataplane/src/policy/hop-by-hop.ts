/**
 * Which fields end at this hop (RFC 9110 7.6.1): those that belong to a connection by definition and those that
 * `Connection` nominates. They are dropped before the gateway adds any of its own.
 *
 * Invariant: a peer cannot nominate away what routing, framing and the handshake rest on (Host, Content-Length,
 * Transfer-Encoding, Sec-WebSocket-*), nor what the gateway adds (it comes after). Nominating x-forwarded-for only drops
 * what the client itself had sent. Pure; runs in the workers.
 */
import { Field, type FieldId } from './field-name.js';
import { type HeaderField, listItems } from './fields.js';

const NONE: readonly string[] = [];

/** Names that `Connection` nominates, lower case, without its options `upgrade`, `close` and `keep-alive`. */
export function nominated(fields: readonly HeaderField[]): readonly string[] {
  let names: string[] | undefined;
  for (const field of fields) {
    if (field.id !== Field.connection || isPlainOption(field.value)) continue;
    for (const item of listItems(field.value)) {
      if (isPlainOption(item)) continue;
      names ??= [];
      names.push(item.toLowerCase());
    }
  }
  return names ?? NONE;
}

/** The whole value is one usual option: nearly every handshake's. */
function isPlainOption(value: string): boolean {
  if (value === 'Upgrade' || value === 'upgrade' || value === 'keep-alive' || value === 'close') return true;
  const lower = value.toLowerCase();
  return lower === 'upgrade' || lower === 'keep-alive' || lower === 'close';
}

/** Whether `Connection` takes this field away. */
export function isNominated(field: HeaderField, names: readonly string[]): boolean {
  return names.length > 0 && !isProtected(field) && names.includes(field.lowerName);
}

function isProtected(field: HeaderField): boolean {
  const { id, lowerName } = field;
  if (id === Field.host || id === Field.contentLength || id === Field.transferEncoding) return true;
  return lowerName.startsWith('sec-websocket-');
}

/** Whether a field belongs to one connection whatever `Connection` says, in requests and answers alike. */
export function isHopByHop(id: FieldId): boolean {
  return id >= Field.connection && id <= Field.http2Settings;
}
