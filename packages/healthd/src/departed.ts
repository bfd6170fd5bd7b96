/**
 * What was held against endpoints that went away, for those that come back: a name whose answers change at each lookup
 * must not make an endpoint that is down a new one, and thus usable, again and again.
 *
 * Bounded in number and time; who went first is forgotten first. Pure; healthd's only thread.
 */
import type { EndpointRecord } from '@sluice/shared/health/table';
import type { Judgement } from './thresholds.js';

export const DEPARTED_MAX = 4096;
export const DEPARTED_MS = 600_000;

interface Former {
  readonly judgement: Judgement;
  readonly record: EndpointRecord;
}

export class Departed {
  readonly #left = new Map<string, Former & { readonly atMs: number }>();

  get size(): number {
    return this.#left.size;
  }

  /** An endpoint goes. Only a verdict against it is kept: any other is no better than none. */
  leave(key: string, { judgement, record }: Former, nowMs: number): void {
    if (judgement.verdict !== 'unhealthy') return;
    this.#left.set(key, { judgement, record, atMs: nowMs });
    if (this.#left.size <= DEPARTED_MAX) return;
    for (const oldest of this.#left.keys()) {
      this.#left.delete(oldest);
      break;
    }
  }

  /** An endpoint comes: what is still held against it. */
  come(key: string, nowMs: number): Former | undefined {
    const former = this.#left.get(key);
    this.#left.delete(key);
    return former !== undefined && Math.abs(nowMs - former.atMs) < DEPARTED_MS ? former : undefined;
  }
}
