import type { EndpointRecord } from '@sluice/shared/health/table';
import { describe, expect, it } from 'vitest';
import { DEPARTED_MAX, DEPARTED_MS, Departed } from './departed.js';
import { settledJudgement } from './thresholds.js';

const record: EndpointRecord = {
  address: '10.0.0.1',
  port: 80,
  status: 'unhealthy',
  why: 'refused',
  sinceMs: 1,
  probedAtMs: 2,
  probeMs: 3,
};
const unhealthy = { judgement: settledJudgement('unhealthy'), record };

describe('Departed', () => {
  it('keeps a verdict against an endpoint until it comes back, once', () => {
    const departed = new Departed();
    departed.leave('a', unhealthy, 0);
    departed.leave('b', { judgement: settledJudgement('healthy'), record }, 0);
    expect(departed.come('a', DEPARTED_MS - 1)).toMatchObject(unhealthy);
    expect(departed.come('a', 1)).toBeUndefined();
    expect(departed.come('b', 1)).toBeUndefined();
  });

  it('forgets after a while, also when the clock was set back', () => {
    const departed = new Departed();
    for (const nowMs of [DEPARTED_MS, -DEPARTED_MS]) {
      departed.leave('a', unhealthy, 0);
      expect(departed.come('a', nowMs)).toBeUndefined();
    }
  });

  it('holds a bounded number, the last that went', () => {
    const departed = new Departed();
    for (let count = 0; count <= DEPARTED_MAX; count++) departed.leave(`${count}`, unhealthy, 0);
    expect(departed.size).toBe(DEPARTED_MAX);
    expect(departed.come('0', 0)).toBeUndefined();
    expect(departed.come(`${DEPARTED_MAX}`, 0)).toBeDefined();
  });
});
