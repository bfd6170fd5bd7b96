/**
 * The limits of one handshake and of the connection that comes of it: the rule's, and the options' where it says nothing.
 *
 * Invariant: an upgrade's answer is always bounded. A rule without limits has the options'; 0 takes the rule's own away,
 * and of connect and answer the options' hold then. Pure; runs in the workers.
 */
import type { LimitsSnapshot } from '@sluice/shared/snapshot/rule-policy';
import type { HandshakeLimits } from '../worker/messages.js';

type Options = Pick<HandshakeLimits, 'connectTimeoutMs' | 'answerTimeoutMs' | 'streamIdleTimeoutMs' | 'lifetimeMs'>;

/** From the complete head of the request to the head of its answer, over all attempts; 0: what each attempt may take. */
export function requestMs(limits: LimitsSnapshot): number {
  return limits.requestMs ?? 0;
}

/** For all attempts to connect together. */
export function connectMs(limits: LimitsSnapshot, options: Options): number {
  return orOption(limits.connectMs, options.connectTimeoutMs);
}

/**
 * From the forwarded head to the head of its answer, each attempt. A rule that bounds the request as a whole and says
 * nothing of attempts gives each of them all of it, be that more or less than the option.
 */
export function answerMs(limits: LimitsSnapshot, options: Options): number {
  const whole = requestMs(limits);
  const attempt = orOption(limits.backendRequestMs, whole > 0 ? whole : options.answerTimeoutMs);
  return whole > 0 ? Math.min(attempt, whole) : attempt;
}

/** No byte in either direction; 0: no limit. */
export function idleMs(limits: LimitsSnapshot, options: Options): number {
  return limits.idleMs ?? options.streamIdleTimeoutMs;
}

/** Age of a spliced connection; 0: no limit. `random`: from 0 up to, not including, 1. */
export function lifetimeMs(limits: LimitsSnapshot, options: Options, random: () => number): number {
  const whole = limits.lifetimeMs ?? options.lifetimeMs;
  if (whole === 0 || limits.lifetimeJitter === 0) return whole;
  return Math.max(1, Math.round(whole * (1 - limits.lifetimeJitter * random())));
}

function orOption(limit: number | null, option: number): number {
  return limit === null || limit === 0 ? option : limit;
}
