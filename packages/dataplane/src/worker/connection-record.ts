/**
 * A connection in handshake, as a worker remembers it, and the access-log fields that come of it.
 *
 * Lives from the request event until the engine has been told how the connection goes on: a spliced connection has no
 * JavaScript object. Worker thread.
 */
import type { RuleSnapshot } from '@sluice/shared/snapshot/snapshot';
import type { ClientTls } from '../engine/tls-info.js';
import { type LogRecord, logFields } from '../policy/access-log.js';
import type { EndpointChoice } from '../policy/balancer.js';
import type { Told } from '../policy/client.js';
import type { RequestHead } from '../policy/head.js';
import type { OwnAnswerCode } from '../policy/own-answer.js';
import type { RefusalCode } from '../policy/refusal.js';
import type { RouteMatch } from '../policy/router.js';
import type { Handshake } from '../policy/websocket.js';
import type { Configuration } from './handshake-context.js';

/** What of a configuration names things in a record. */
type Named = Pick<Configuration, 'snapshot' | 'ports'>;

/** What the record of a connection is made of. */
interface Recorded {
  readonly configuration: Named;
  readonly listenerTag: number;
  readonly requestId: string;
  readonly requestHeaderBytes: number;
  /** null: plain TCP, or not known. */
  tls: ClientTls | null;
  http2: boolean;
  request: RequestHead | undefined;
  match: RouteMatch | undefined;
  attempt: Pick<PlainAttempt, 'choice'> | undefined;
  latencyMs: number | undefined;
}

/** What is known of a connection, or of a plain request, so far; members are filled in as it goes on. */
export interface Pending<A extends PlainAttempt = PlainAttempt> extends Recorded {
  attempt: A | undefined;
  /** What a trusted proxy says of the request; undefined: its peer is none. */
  told: Told | undefined;
  /** The one that it began with: indexes in `match` and `attempt` are into its snapshot. */
  readonly configuration: Configuration;
  /** Moment (performance.now) at which the request was complete. */
  readonly requestedAtMs: number;
}

/** The endpoint that a connection is being connected to, and what another attempt would need. */
export interface Attempt extends PlainAttempt {
  readonly handshake: Handshake;
  readonly head: string;
}

/** Likewise of a request that asks for no upgrade. */
export interface PlainAttempt {
  readonly rule: RuleSnapshot;
  /** Slots of the endpoints that have been chosen, this one included. */
  readonly tried: number[];
  /** Moment (performance.now) at which the connect budget ends. */
  readonly deadlineMs: number;
  /** Moment (performance.now) at which the rule's bound of the request ends; infinite without one. */
  readonly requestDeadlineMs: number;
  choice: EndpointChoice;
  /** The last connect got less time than its own limit, for the request's was nearer: its end says nothing of the endpoint. */
  hurried: boolean;
  /** The endpoint that was chosen last has taken the connection. */
  connected: boolean;
}

/** What the client got. */
export interface Outcome {
  readonly status: number;
  readonly responseHeaderBytes: number;
  /** See `LogRecord`. */
  readonly refusal: RefusalCode | OwnAnswerCode | undefined;
  /** See `LogRecord`. */
  readonly refusalReason: string;
}

export const NO_OUTCOME: Outcome = { status: 0, responseHeaderBytes: 0, refusal: undefined, refusalReason: '' };

/** An answer of the backend that was passed on. */
export function passedOn(status: number, responseHeaderBytes: number): Outcome {
  return { status, responseHeaderBytes, refusal: undefined, refusalReason: '' };
}

export function createPending<A extends PlainAttempt = Attempt>(
  configuration: Configuration,
  listenerTag: number,
  requestId: string,
  requestHeaderBytes: number,
): Pending<A> {
  return {
    configuration,
    listenerTag,
    requestId,
    requestHeaderBytes,
    requestedAtMs: performance.now(),
    told: undefined,
    tls: null,
    http2: false,
    request: undefined,
    match: undefined,
    attempt: undefined,
    latencyMs: undefined,
  };
}

function logRecord(pending: Recorded, outcome: Outcome): LogRecord {
  const { configuration, match, request, requestHeaderBytes, requestId } = pending;
  const { snapshot, ports } = configuration;
  const port = ports[pending.listenerTag];
  const listener = match === undefined ? undefined : snapshot.listener(match.listener);
  const frontend = listener ?? snapshot.listener(port?.listeners[0] ?? 0);
  return {
    frontendName: frontend?.gateway ?? '',
    frontendPort: port?.port ?? 0,
    listener: listener?.name ?? '',
    route: match === undefined ? '' : (snapshot.rule(match.rule)?.route ?? ''),
    request,
    requestHeaderBytes,
    requestId,
    tls: pending.tls,
    http2: pending.http2,
    endpoint: pending.attempt?.choice.endpoint,
    backendResponseLatencyMs: pending.latencyMs,
    ...outcome,
  };
}

/** The listener that a connection is counted and logged under; -1 when the port has none. */
export function listenerOf({ configuration, match, listenerTag }: Pending): number {
  return match?.listener ?? configuration.ports[listenerTag]?.listeners[0] ?? -1;
}

/** The access-log fields of a connection. */
export function connectionFields(pending: Pending, outcome: Outcome): string {
  return logFields(logRecord(pending, outcome));
}

/** The access-log fields of a connection of this port that ended before any request of it was seen. */
export function silentFields({ snapshot, ports }: Named, listenerTag: number): string {
  const nothing = {
    tls: null,
    http2: false,
    request: undefined,
    match: undefined,
    attempt: undefined,
    latencyMs: undefined,
  };
  const silent = { configuration: { snapshot, ports }, listenerTag, requestId: '', requestHeaderBytes: 0, ...nothing };
  return logFields(logRecord(silent, NO_OUTCOME));
}
