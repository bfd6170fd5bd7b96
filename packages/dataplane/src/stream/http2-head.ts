/**
 * The head of a request over HTTP/2, as HTTP/1.1 writes it (RFC 9113 8.3.1): the policy's own parser judges both versions.
 *
 * Invariant: what the text says is what the fields said. Where they contradict each other, both reach the parser, which
 * takes neither; no value brings a line of its own. Pure.
 */
import { sameAuthority } from '../policy/authority.js';
import { isAll, TOKEN } from '../policy/characters.js';

export interface Http2Head {
  readonly method: string;
  /** `:protocol` of an extended CONNECT (RFC 8441); else ''. */
  readonly protocol: string;
  /** Whole, latin1; of an extended CONNECT that of the GET which it stands for, without the fields of an upgrade. */
  readonly text: string;
  /** The client waits for 100 (Continue). */
  readonly expects: boolean;
}

interface Pseudo {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string | undefined;
  readonly path: string;
  readonly protocol: string;
}

/** What would end a line, which no version of HTTP lets a name or value hold. */
const BREAK = /[\r\n\0]/;

/** `raw`: names and values in turn, in lower case; `whole`: no body follows. undefined: it is malformed. */
export function readHttp2Head(raw: readonly string[], whole: boolean): Http2Head | undefined {
  if (raw.some((part) => BREAK.test(part))) return undefined;
  const pseudo = pseudoFields(raw);
  const fields = regularFields(raw);
  if (pseudo.method === '' || ![...fields.keys()].every((name) => name !== '' && isAll(name, TOKEN))) return undefined;
  const { protocol } = pseudo;
  if (protocol === 'websocket') fields.delete('sec-websocket-key'); // it has no meaning here (RFC 8441 5)
  const method = protocol === '' ? pseudo.method : 'GET';
  const framed = whole || protocol !== '' || fields.has('content-length');
  const text =
    `${method} ${targetOf(pseudo)} HTTP/1.1\r\n${hostLines(pseudo, fields.get('host') ?? [])}` +
    `${linesOf(fields)}${framed ? '' : 'Transfer-Encoding: chunked\r\n'}\r\n`;
  return {
    method: pseudo.method,
    protocol,
    text,
    expects: fields.get('expect')?.[0]?.toLowerCase() === '100-continue',
  };
}

function pseudoFields(raw: readonly string[]): Pseudo {
  const found = new Map<string, string>();
  for (let at = 0; at + 1 < raw.length && raw[at]?.startsWith(':') === true; at += 2) {
    found.set(raw[at] as string, raw[at + 1] as string);
  }
  const of = (name: string): string => found.get(name) ?? '';
  const authority = found.get(':authority');
  return { method: of(':method'), scheme: of(':scheme'), authority, path: of(':path'), protocol: of(':protocol') };
}

/** Values by name, in the order in which names came first. */
function regularFields(raw: readonly string[]): Map<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string;
    if (name.startsWith(':')) continue;
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [raw[at + 1] as string]);
    else values.push(raw[at + 1] as string);
  }
  return fields;
}

/** A tunnel has its authority for a target; a scheme that is none of the web's makes one that nobody takes. */
function targetOf({ method, scheme, authority, path, protocol }: Pseudo): string {
  if (method === 'CONNECT' && protocol === '') return authority ?? '';
  return scheme === 'http' || scheme === 'https' ? path : `${scheme}:${path}`;
}

/** `:authority` is what counts; a `host` beside it must say the same (RFC 9113 8.3.1), else both are written. */
function hostLines({ authority, scheme }: Pseudo, hosts: readonly string[]): string {
  const port = scheme === 'https' ? '443' : '80';
  const others = authority === undefined ? hosts : hosts.filter((host) => !sameAuthority(host, authority, port));
  const names = authority === undefined ? others : [authority, ...others];
  return names.map((name) => `Host: ${name}\r\n`).join('');
}

/** Cookies may come in crumbs, and are one field elsewhere (RFC 9113 8.2.3). */
function linesOf(fields: ReadonlyMap<string, readonly string[]>): string {
  let text = '';
  for (const [name, values] of fields) {
    if (name === 'host') continue;
    if (name === 'cookie') text += `${name}: ${values.join('; ')}\r\n`;
    else for (const value of values) text += `${name}: ${value}\r\n`;
  }
  return text;
}
