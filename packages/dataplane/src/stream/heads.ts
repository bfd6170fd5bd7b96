/**
 * Heads between Node's stack and the policy: what Node has parsed becomes text that the policy parses once more, strictly,
 * and field lines of the policy become what Node writes.
 *
 * Invariant: a head that reaches the policy from here is judged by the same parser as one that the engine read. Pure.
 */
import type { IncomingMessage } from 'node:http';
import { Field, fieldName } from '../policy/field-name.js';
import { isHopByHop } from '../policy/hop-by-hop.js';
import { isH2c } from '../policy/websocket.js';

type Asked = Pick<IncomingMessage, 'method' | 'url' | 'httpVersionMajor' | 'httpVersionMinor' | 'rawHeaders'>;

/** The head of a request that Node has read, latin1. */
export function requestText({ method, url, httpVersionMajor, httpVersionMinor, rawHeaders }: Asked): string {
  return `${method} ${url} HTTP/${httpVersionMajor}.${httpVersionMinor}\r\n${linesOf(rawHeaders)}\r\n`;
}

/**
 * Likewise, of one that asks for an upgrade: without an offer to go on in HTTP/2, which is passed over. Node's parser would
 * take the request for an upgrade again.
 */
export function upgradeText({ rawHeaders, method, url, httpVersionMajor, httpVersionMinor }: Asked): string {
  return requestText({ rawHeaders: withoutH2c(rawHeaders), method, url, httpVersionMajor, httpVersionMinor });
}

function withoutH2c(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = raw.slice(at, at + 2);
    const lowerName = name.toLowerCase();
    if (lowerName === 'upgrade' && !isH2c(value)) return [...raw];
    if (lowerName !== 'upgrade' && lowerName !== 'http2-settings') kept.push(name, value);
  }
  return kept;
}

/** The head of an answer that undici has read, latin1. `raw`: names and values in turn. */
export function responseText(status: number, reason: string, raw: readonly (Buffer | string)[]): string {
  return `HTTP/1.1 ${status} ${reason}\r\n${linesOf(raw)}\r\n`;
}

function linesOf(raw: readonly (Buffer | string)[]): string {
  let text = '';
  for (let at = 0; at + 1 < raw.length; at += 2) text += `${textOf(raw[at])}: ${textOf(raw[at + 1])}\r\n`;
  return text;
}

function textOf(part: Buffer | string | undefined): string {
  return typeof part === 'string' ? part : (part?.toString('latin1') ?? '');
}

/** Names and values in turn, of whole field lines that each end with CR LF. */
export function fieldPairs(lines: string): string[] {
  const pairs: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const colon = lines.indexOf(': ', at);
    const end = lines.indexOf('\r\n', at);
    pairs.push(lines.slice(at, colon), lines.slice(colon + 2, end));
    at = end + 2;
  }
  return pairs;
}

/** The trailers that pass on, of names and values in turn. */
export function trailerPairs(raw: readonly (Buffer | string)[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = textOf(raw[at]);
    if (passesAsTrailer(name)) pairs.push([name, textOf(raw[at + 1])]);
  }
  return pairs;
}

/** Fields that say something of the message as a whole have no place behind it (RFC 9110 6.5.1). */
export function passesAsTrailer(name: string): boolean {
  const { id, lower } = fieldName(name);
  if (isHopByHop(id) || lower.startsWith('sec-websocket-') || lower.startsWith('access-control-')) return false;
  if (lower === 'set-cookie' || lower.startsWith('content-')) return false;
  return id === Field.other;
}

/** A whole answer of the gateway's own, in the parts that Node writes. */
export function answerParts(answer: string): {
  readonly reason: string;
  readonly fields: string[];
  readonly body: string;
} {
  const lineEnd = answer.indexOf('\r\n');
  const headEnd = answer.indexOf('\r\n\r\n') + 2;
  const reason = answer.slice('HTTP/1.1 200 '.length, lineEnd);
  return { reason, fields: fieldPairs(answer.slice(lineEnd + 2, headEnd)), body: answer.slice(headEnd + 2) };
}
