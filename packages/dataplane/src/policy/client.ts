/**
 * Whose request it is, when a proxy in front of the gateway says so and is believed.
 *
 * Invariant: only what trusted proxies wrote counts. Each appends the address of its own peer to x-forwarded-for, so the
 * list is read from its end: the first address that is no trusted proxy's is the client, and what stands before it is only
 * what that one claims. Without trusted proxies nothing is looked at. Pure; runs in the workers.
 */
import { AddressRanges, plainAddress } from '@sluice/shared/address-ranges';
import { Field } from './field-name.js';
import type { HeaderField } from './fields.js';

/** What a trusted peer told of the request. */
export interface Told {
  /** The client's, in plain form; '': it named none, so the peer itself is the client. */
  readonly address: string;
  /** 0: not known. */
  readonly port: number;
  /** How the client sent it; '': not said. */
  readonly scheme: '' | 'http' | 'https';
}

type Hop = Pick<Told, 'address' | 'port'>;

const NO_HOP: Hop = { address: '', port: 0 };
/** More proxies than this are not looked behind. */
const HOPS_MAX = 64;

/** By the list of the listener, which is one object as long as its snapshot is in use. */
const known = new WeakMap<readonly string[], AddressRanges>();

function rangesOf(list: readonly string[]): AddressRanges {
  let ranges = known.get(list);
  if (ranges === undefined) {
    ranges = new AddressRanges(list);
    known.set(list, ranges);
  }
  return ranges;
}

/** undefined: the peer is not one of the trusted, or there are none. `peer`: its address; `trusted`: canonical ranges. */
export function toldOf(fields: readonly HeaderField[], peer: string, trusted: readonly string[]): Told | undefined {
  if (trusted.length === 0) return undefined;
  const ranges = rangesOf(trusted);
  if (!ranges.includes(peer)) return undefined;
  return { ...clientHop(fields, ranges), scheme: schemeOf(fields) };
}

/** The last hop of the list that is trusted no more; else the farthest that can be read. */
function clientHop(fields: readonly HeaderField[], ranges: AddressRanges): Hop {
  let client = NO_HOP;
  let hops = 0;
  for (const element of elementsFromEnd(fields)) {
    const hop = hopOf(element);
    if (hop === undefined || hops === HOPS_MAX) return client;
    client = hop;
    hops += 1;
    if (!ranges.includes(hop.address)) return client;
  }
  return client;
}

/** Of all field lines together, in their order (RFC 9110 5.3), the last first; empty ones say nothing. */
function* elementsFromEnd(fields: readonly HeaderField[]): Iterable<string> {
  for (let index = fields.length - 1; index >= 0; index--) {
    const field = fields[index];
    if (field?.id !== Field.forwardedFor) continue;
    const { value } = field;
    for (let end = value.length; end >= 0; ) {
      const comma = end === 0 ? -1 : value.lastIndexOf(',', end - 1);
      const element = value.slice(comma + 1, end).trim();
      if (element !== '') yield element;
      end = comma;
    }
  }
}

/** `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`; undefined: something else. */
function hopOf(element: string): Hop | undefined {
  const [, bracketed, v4, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(element) ?? [];
  if (bracketed !== undefined && !bracketed.includes(':')) return undefined;
  const address = plainAddress(bracketed ?? v4 ?? element);
  const number = Number(port ?? 0);
  return address === undefined || number > 65_535 ? undefined : { address, port: number };
}

function schemeOf(fields: readonly HeaderField[]): Told['scheme'] {
  const found = fields.filter(({ id }) => id === Field.forwardedProto);
  const scheme = found.length === 1 ? found[0]?.value.toLowerCase() : undefined;
  return scheme === 'http' || scheme === 'https' ? scheme : '';
}

/** The client's address. `peer`: the connection's. */
export function addressOf(told: Told | undefined, peer: string): string {
  return told === undefined || told.address === '' ? peer : told.address;
}

/** As it stands in the log, without a port where none is known. `peer`: likewise the connection's. */
export function textOf(told: Told | undefined, peer: string): string {
  if (told === undefined || told.address === '') return peer;
  const host = told.address.includes(':') ? `[${told.address}]` : told.address;
  return told.port === 0 ? host : `${host}:${told.port}`;
}
