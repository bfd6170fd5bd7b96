import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { busKeys } from './keys.js';
import { LEASE_MS, Lease } from './lease.js';

const log = pino({ level: 'silent' });

/** Answers as a Redis in which nobody else leads; keeps the name of what it was asked. */
class Answers {
  readonly asked: string[] = [];
  readonly client = { call: (_: 'EVAL', [script]: [string]) => this.#answer(script) };
  readonly failed = (): void => undefined;

  #answer(script: string): Promise<unknown> {
    const elects = script.includes("'NX'");
    this.asked.push(elects ? 'elect' : 'beat');
    return Promise.resolve(elects ? [1, String(this.asked.length), []] : 'ok');
  }
}

function start() {
  const answers = new Answers();
  const said: string[] = [];
  const lease = new Lease(busKeys('sluice', 0), answers as never, log, {
    onElected: () => said.push('elected'),
    onDeposed: () => said.push('deposed'),
    onBehind: () => undefined,
    version: () => 0,
    heartbeat: () => '',
  });
  lease.kick();
  return { answers, said, lease };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('Lease', () => {
  it('is renewed every half second, and ends when it is given back', async () => {
    const { answers, said, lease } = start();
    await vi.advanceTimersByTimeAsync(1_600);
    expect(answers.asked).toEqual(['elect', 'beat', 'beat', 'beat']);
    await lease.release();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(said).toEqual(['elected']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is not renewed by a process that was held up past its end: it is tried for anew', async () => {
    const { answers, said, lease } = start();
    await vi.advanceTimersByTimeAsync(100);
    // The clock goes on and no timer runs: the process is stopped.
    const now = performance.now();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(now + 10 * LEASE_MS);
    await vi.advanceTimersByTimeAsync(600);
    expect(answers.asked.slice(0, 2)).toEqual(['elect', 'elect']);
    expect(said).toEqual(['elected', 'deposed', 'elected']);
    clock.mockRestore();
    await lease.release();
  });
});
