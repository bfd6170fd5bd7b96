/**
 * Which slot of the status board belongs to which endpoint.
 *
 * Invariant: a slot has one endpoint at a time, and another one only when nothing can still mean the former: it is gone,
 * none of its connections is open, and every worker chooses from lists without it. An endpoint that comes back before
 * that gets its slot, and so its open connections, again. Primary thread.
 */
export interface SlotsOptions {
  readonly capacity: number;
  /** Open connections of the endpoint in a slot. */
  readonly active: (slot: number) => number;
  /** The oldest revision of the membership that a worker may still choose by. */
  readonly seen: () => number;
  /** Told that a slot has no endpoint any more. */
  readonly onFree: (slot: number) => void;
}

interface Leaving {
  readonly slot: number;
  /** First revision of the membership without the endpoint. */
  readonly revision: number;
}

export class Slots {
  readonly #options: SlotsOptions;
  readonly #held = new Map<string, number>();
  readonly #leaving = new Map<string, Leaving>();
  readonly #free: number[] = [];
  #used = 0;

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /** The slot of an endpoint that exists from now on; undefined when all are taken. */
  take(key: string): number | undefined {
    const held = this.#held.get(key) ?? this.#leaving.get(key)?.slot;
    const slot = held ?? this.#unused();
    if (slot === undefined) return undefined;
    this.#leaving.delete(key);
    this.#held.set(key, slot);
    return slot;
  }

  /** The endpoint is gone, and no list of `revision` or later has it. */
  leave(key: string, revision: number): void {
    const slot = this.#held.get(key);
    if (slot === undefined) return;
    this.#held.delete(key);
    this.#leaving.set(key, { slot, revision });
  }

  /** Frees what can be freed. Returns how many slots can be had now. */
  sweep(): number {
    const seen = this.#leaving.size === 0 ? 0 : this.#options.seen();
    for (const [key, { slot, revision }] of this.#leaving) {
      if (revision > seen || this.#options.active(slot) !== 0) continue;
      this.#leaving.delete(key);
      this.#free.push(slot);
      this.#options.onFree(slot);
    }
    return this.#free.length + this.#options.capacity - this.#used;
  }

  /** Slots of endpoints that are gone but may still be meant by somebody. */
  get leaving(): number {
    return this.#leaving.size;
  }

  #unused(): number | undefined {
    if (this.#used < this.#options.capacity) return this.#used++;
    if (this.#free.length === 0) this.sweep();
    return this.#free.pop();
  }
}
