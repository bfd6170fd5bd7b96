import { expect, it } from 'vitest';
import { seededRandom } from '../statistics.js';
import { ROUTING, RoutingRun } from './routing.js';

it.each(ROUTING.map((scenario) => [scenario.name, scenario] as const))(
  '%s: every request finds its rule',
  (_, scenario) => {
    const run = new RoutingRun(scenario, 150, 300, seededRandom(1));
    expect(run.once(0)).toBeGreaterThanOrEqual(-1);
  },
);

it('a wrong answer is an error', () => {
  const [hosts] = ROUTING;
  const wrong = { ...(hosts as (typeof ROUTING)[0]), request: () => ({ rule: 5, host: 'site-4.example.com' }) };
  expect(() => new RoutingRun(wrong, 60, 10, seededRandom(1))).toThrow('rule 4 took what rule 5 should have');
});
