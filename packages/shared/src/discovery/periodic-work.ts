/**
 * Work that comes again: many items, each with a time of its own, few at once, and one timer for all of them.
 *
 * Invariants: an item never runs twice at a time; what is due waits for a free place in the order of its time; work that
 * was late is not made up for. A removed item that runs is let finish (who runs it may abort it) and keeps its place
 * until it has. Removed items that wait are swept out before they outnumber the others. Main thread.
 */
import { DueHeap } from './due-heap.js';
import type { Timers } from './timers.js';

export interface PeriodicWorkOptions<T> {
  readonly timers: Timers;
  /** Items that may run at once. */
  readonly concurrency: number;
  /** Must not reject. `lateMs`: how long after its time it begins. */
  readonly run: (item: T, lateMs: number) => Promise<void>;
  /** When the item is due again, having ended now. */
  readonly nextDueMs: (item: T, nowMs: number) => number;
}

/** An item in the schedule; made by `add`, ended by `remove`. */
export interface Job<T> {
  readonly item: T;
  readonly removed: boolean;
}

interface Entry<T> extends Job<T> {
  dueMs: number;
  removed: boolean;
  waiting: boolean;
}

/** Fewer removed items than this are not worth a sweep. */
const SWEEP_MIN = 64;

export class PeriodicWork<T> {
  readonly #options: PeriodicWorkOptions<T>;
  readonly #heap = new DueHeap<Entry<T>>();
  #running = 0;
  /** Removed items that are still in the heap. */
  #dead = 0;
  #closed = false;
  #cancel: (() => void) | undefined;
  #awaited = Number.POSITIVE_INFINITY;

  constructor(options: PeriodicWorkOptions<T>) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  /** Items that wait for their time, removed ones that are still held included. */
  get held(): number {
    return this.#heap.size;
  }

  /** Puts an item into the schedule. It runs in a later turn, at the earliest. */
  add(item: T, dueMs: number): Job<T> {
    const entry: Entry<T> = { item, dueMs, removed: false, waiting: true };
    this.#heap.push(entry);
    this.#arm();
    return entry;
  }

  /** Takes an item out; what runs is not stopped. */
  remove(job: Job<T>): void {
    const entry = job as Entry<T>;
    if (entry.removed) return;
    entry.removed = true;
    if (!entry.waiting) return;
    this.#dead++;
    if (this.#dead < SWEEP_MIN || this.#dead * 2 < this.#heap.size) return;
    this.#heap.filter(({ removed }) => !removed);
    this.#dead = 0;
  }

  /** Nothing begins any more. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#disarm();
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#awaited = Number.POSITIVE_INFINITY;
  }

  /** One timer, for the earliest item, and only while there is a place for it. */
  #arm(): void {
    const next = this.#heap.peek();
    if (this.#closed || next === undefined || this.#running >= this.#options.concurrency) return;
    if (next.dueMs >= this.#awaited) return;
    this.#disarm();
    const { timers } = this.#options;
    this.#awaited = next.dueMs;
    this.#cancel = timers.after(Math.max(0, Math.ceil(next.dueMs - timers.nowMs())), () => {
      this.#disarm();
      this.#begin();
    });
  }

  #begin(): void {
    const nowMs = this.#options.timers.nowMs();
    while (!this.#closed && this.#running < this.#options.concurrency) {
      const entry = this.#heap.peek();
      if (entry === undefined || (!entry.removed && entry.dueMs > nowMs)) break;
      this.#heap.pop();
      entry.waiting = false;
      if (entry.removed) this.#dead--;
      else void this.#run(entry, nowMs - entry.dueMs);
    }
    this.#arm();
  }

  async #run(entry: Entry<T>, lateMs: number): Promise<void> {
    this.#running++;
    try {
      await this.#options.run(entry.item, lateMs);
    } finally {
      this.#running--;
      if (!entry.removed && !this.#closed) {
        entry.dueMs = this.#options.nextDueMs(entry.item, this.#options.timers.nowMs());
        entry.waiting = true;
        this.#heap.push(entry);
      }
      this.#arm();
    }
  }
}
