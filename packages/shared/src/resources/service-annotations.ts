/**
 * The annotations of a Service that Sluice reads: `sluice.dev/…`. Documented in docs/health.md.
 *
 * Annotations of others are nobody's business here; one of ours that is not known is an error, because a misspelt one
 * would be passed over in silence. Any thread.
 */
import { z } from 'zod';
import { DURATION_HINT, formatDuration, parseDurationOrSeconds } from '../duration.js';
import type { LiveAction } from '../snapshot/service-policy.js';
import { dnsNameFault } from './dns-name.js';
import { ANNOTATION_PREFIX } from './metadata.js';
import { wrong } from './schema.js';

const DAY_MS = 86_400_000;
const ACTIONS: readonly LiveAction[] = ['keep', 'drain', 'close'];
const EVENTS = ['unhealthy', 'draining', 'removed'] as const;
type LiveEvent = (typeof EVENTS)[number];

export const DNS_NAME = 'sluice.dev/dns-name';
export const HASH_KEY = 'sluice.dev/hash-key';
const LIVE_CONNECTIONS = 'sluice.dev/live-connections';
const DRAIN_DEADLINE = 'sluice.dev/drain-deadline';
const CLOSE_WINDOW = 'sluice.dev/close-window';
/** All of them. */
export const SERVICE_ANNOTATIONS: readonly string[] = [
  DNS_NAME,
  HASH_KEY,
  LIVE_CONNECTIONS,
  DRAIN_DEADLINE,
  CLOSE_WINDOW,
];

export interface ServiceAnnotations {
  readonly dnsName?: string;
  /** Lower-case name of the header that is hashed; '' for the client's address. */
  readonly hashHeader?: string;
  readonly live: Readonly<Partial<Record<LiveEvent, LiveAction>>>;
  readonly drainDeadlineMs?: number;
  readonly closeWindowMs?: number;
}

/** What is wrong with a value, message and hint. */
class Fault {
  constructor(readonly message: string) {}
}

/** `metadata.annotations` of a Service: a mapping of strings in, ours out. */
export const serviceAnnotations = z
  .record(z.string(), z.string())
  .default({})
  .transform((annotations, context): ServiceAnnotations => {
    const read = <Value>(key: string, parse: (text: string) => Value | Fault): Value | undefined => {
      const text = annotations[key];
      const value = text === undefined ? undefined : parse(text);
      if (!(value instanceof Fault)) return value;
      context.addIssue({ code: 'custom', path: [key], message: value.message });
      return undefined;
    };
    for (const key of Object.keys(annotations)) {
      if (!key.startsWith(ANNOTATION_PREFIX) || SERVICE_ANNOTATIONS.includes(key)) continue;
      const hint = `known here: ${SERVICE_ANNOTATIONS.join(', ')}`;
      context.addIssue({ code: 'unrecognized_keys', keys: [key], message: wrong('unknown annotation', hint) });
    }
    const dnsName = read(DNS_NAME, parseDnsName);
    const hashHeader = read(HASH_KEY, parseHashKey);
    const drainDeadlineMs = read(DRAIN_DEADLINE, parseDuration);
    const closeWindowMs = read(CLOSE_WINDOW, parseDuration);
    return {
      ...(dnsName !== undefined && { dnsName }),
      ...(hashHeader !== undefined && { hashHeader }),
      live: read(LIVE_CONNECTIONS, parseLive) ?? {},
      ...(drainDeadlineMs !== undefined && { drainDeadlineMs }),
      ...(closeWindowMs !== undefined && { closeWindowMs }),
    };
  });

function parseDnsName(text: string): string | Fault {
  const fault = dnsNameFault(text);
  return fault === undefined ? text.toLowerCase() : new Fault(fault);
}

function parseHashKey(text: string): string | Fault {
  if (text === 'client-address') return '';
  const name = /^header:([!#$%&'*+.^_`|~0-9A-Za-z-]{1,256})$/.exec(text)?.[1];
  if (name !== undefined) return name.toLowerCase();
  return new Fault(wrong('is not a hash key', 'use client-address or header:NAME'));
}

function parseDuration(text: string): number | Fault {
  const ms = parseDurationOrSeconds(text);
  if (ms === undefined) return new Fault(wrong('is not a duration', DURATION_HINT));
  return ms <= DAY_MS ? ms : new Fault(wrong('is out of range', `use 0s to ${formatDuration(DAY_MS)}`));
}

/** `drain`, or `unhealthy=keep,draining=drain,removed=close` in any order and selection. */
function parseLive(text: string): ServiceAnnotations['live'] | Fault {
  const all = ACTIONS.find((action) => action === text.trim());
  if (all !== undefined) return { unhealthy: all, draining: all, removed: all };
  const live: Partial<Record<LiveEvent, LiveAction>> = {};
  for (const part of text.split(',')) {
    const [left = '', right = '', ...rest] = part.split('=').map((word) => word.trim());
    const event = EVENTS.find((name) => name === left);
    const action = ACTIONS.find((name) => name === right);
    if (event === undefined || action === undefined || rest.length > 0 || live[event] !== undefined) {
      const hint = 'use keep, drain or close, or each event once as in unhealthy=keep,draining=drain,removed=close';
      return new Fault(wrong('is not an action for live connections', hint));
    }
    live[event] = action;
  }
  return live;
}
