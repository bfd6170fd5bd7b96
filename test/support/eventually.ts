/**
 * Waiting for a condition of another process: the only place in the tests where time passes by itself.
 *
 * A condition counts when it has held `successes` times in a row within one budget; then its value is returned.
 * When the budget ends, the last failure is thrown, so that the report shows what was seen, not "timed out".
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface EventuallyOptions {
  readonly budgetMs?: number;
  readonly intervalMs?: number;
  /** How many times in a row the condition must hold. */
  readonly successes?: number;
}

/** Calls `attempt` until it stops throwing. */
export async function eventually<T>(attempt: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const { budgetMs = 5_000, intervalMs = 10, successes = 1 } = options;
  const deadline = performance.now() + budgetMs;
  let held = 0;
  for (;;) {
    try {
      const value = await attempt();
      held += 1;
      if (held >= successes) {
        return value;
      }
    } catch (error) {
      held = 0;
      if (performance.now() > deadline) {
        throw error;
      }
    }
    await delay(intervalMs);
  }
}

/** Rejects with `describe()` when `promise` has not settled within the budget; leaves no timer behind. */
export async function within<T>(promise: Promise<T>, budgetMs: number, describe: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${describe()} (after ${budgetMs} ms)`)), budgetMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
