/**
 * When endpoints are probed: each once an interval, at a phase of its own, so that probes are spread over the interval
 * and an endpoint's turn is the same in every daemon. A bounded number runs at once; one endpoint's never overlap.
 *
 * Knows nothing of what a probe says: results go to a listener. `stop` aborts what runs; a result of a probe that was
 * aborted is dropped. healthd's only thread.
 */
import { type Job, PeriodicWork } from '@sluice/shared/discovery/periodic-work';
import type { Timers } from '@sluice/shared/discovery/timers';
import type { Logger } from '@sluice/shared/log';
import type { ProbeSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { Probe, ProbeResult, ProbeTarget } from './probes/probe.js';

/** Part of the interval by which a probe may come later than its turn, so that nothing beats in step with it. */
const JITTER = 0.02;
/** Probes that begin later than their whole interval are reported no more often than this. */
const LATE_REPORT_MS = 60_000;

/** What is probed, how, and how often. */
export interface ProbeOrder {
  /** `endpointKey` of the endpoint. */
  readonly key: string;
  /** `namespace/name/port`. */
  readonly service: string;
  readonly target: ProbeTarget;
  readonly settings: ProbeSnapshot;
  readonly probe: Probe;
}

export interface SchedulerOptions {
  readonly log: Logger;
  readonly timers: Timers;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** Probes that may run at once. */
  readonly probesMax: number;
  readonly onResult: (order: ProbeOrder, result: ProbeResult) => void;
}

interface Turn {
  readonly order: ProbeOrder;
  readonly phaseMs: number;
  job: Job<Turn> | undefined;
  abort: AbortController | undefined;
}

/** FNV-1a over the text, as a part of 2^32. */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  // Its low bits differ too little between keys that differ in their last digit.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #turns = new Map<string, Turn>();
  #work: PeriodicWork<Turn> | undefined;
  #reportedMs = Number.NEGATIVE_INFINITY;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Endpoints in the schedule. */
  get size(): number {
    return this.#turns.size;
  }

  /** Probes that run now. */
  get running(): number {
    return this.#work?.running ?? 0;
  }

  /** Begins to probe everything in the schedule: what `isUrgent` at once, the rest when its turn comes. */
  start(isUrgent: (key: string) => boolean): void {
    if (this.#work !== undefined) return;
    const { timers, random, probesMax } = this.#options;
    this.#work = new PeriodicWork({
      timers,
      concurrency: probesMax,
      run: (turn, lateMs) => this.#run(turn, lateMs),
      nextDueMs: (turn, nowMs) => nextTurnMs(turn, nowMs, random()),
    });
    for (const turn of this.#turns.values()) this.#queue(turn, isUrgent(turn.order.key));
  }

  /** Probes nothing from now on; the schedule stays. Idempotent. */
  stop(): void {
    this.#work?.close();
    this.#work = undefined;
    for (const turn of this.#turns.values()) retire(turn);
  }

  /** Takes an endpoint into the schedule; its first probe is due at once. */
  set(order: ProbeOrder): void {
    this.#put(order, true);
  }

  /** Changes how an endpoint of the schedule is probed, from its next turn on; a probe that runs is aborted. */
  change(order: ProbeOrder, isUrgent: boolean): void {
    if (this.#turns.has(order.key)) this.#put(order, isUrgent);
  }

  /** Forgets an endpoint and aborts its probe. */
  delete(key: string): void {
    const turn = this.#turns.get(key);
    if (turn === undefined) return;
    this.#turns.delete(key);
    if (turn.job !== undefined) this.#work?.remove(turn.job);
    retire(turn);
  }

  #put(order: ProbeOrder, urgent: boolean): void {
    this.delete(order.key);
    const phaseMs = fraction(order.key) * order.settings.intervalMs;
    const turn: Turn = { order, phaseMs, job: undefined, abort: undefined };
    this.#turns.set(order.key, turn);
    this.#queue(turn, urgent);
  }

  #queue(turn: Turn, urgent: boolean): void {
    const nowMs = this.#options.timers.nowMs();
    turn.job = this.#work?.add(turn, urgent ? nowMs : nextTurnMs(turn, nowMs, this.#options.random()));
  }

  async #run(turn: Turn, lateMs: number): Promise<void> {
    const { order } = turn;
    if (lateMs > order.settings.intervalMs) this.#reportLate(lateMs);
    const abort = new AbortController();
    turn.abort = abort;
    try {
      const result = await order.probe(order.target, order.settings, abort.signal);
      if (!abort.signal.aborted) this.#options.onResult(order, result);
    } catch (error) {
      this.#options.log.error({ err: error, endpoint: order.key }, 'a probe failed by an internal error');
    } finally {
      if (turn.abort === abort) turn.abort = undefined;
    }
  }

  #reportLate(lateMs: number): void {
    const { timers, log, probesMax } = this.#options;
    if (timers.nowMs() - this.#reportedMs < LATE_REPORT_MS) return;
    this.#reportedMs = timers.nowMs();
    const detail = { lateMs: Math.round(lateMs), endpoints: this.size, probesMax };
    log.warn(detail, 'probes begin late: too many run at once; --probes-max or a shorter probe timeout would help');
  }
}

function retire(turn: Turn): void {
  turn.abort?.abort();
  turn.abort = undefined;
  turn.job = undefined;
}

/** The next moment of the endpoint's phase, plus its jitter. */
function nextTurnMs({ order, phaseMs }: Turn, nowMs: number, random: number): number {
  const { intervalMs } = order.settings;
  const turns = Math.floor((nowMs - phaseMs) / intervalMs) + 1;
  return phaseMs + intervalMs * (turns + JITTER * random);
}
