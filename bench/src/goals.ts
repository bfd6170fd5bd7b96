/**
 * The figures to reach, as data, and whether a result reaches them. A goal is judged by the median; where the 95 %
 * interval lies on both sides of the bound the verdict says so, because another run may turn out differently.
 */
import type { ScenarioResult } from './results.js';
import type { Estimate } from './statistics.js';

interface Goal {
  text: string;
  scenario: string;
  metric: string;
  target: string;
  /** The goal is for target / peer, or target − peer; absent for an absolute value. */
  peer?: string;
  difference?: true;
  atMost?: number;
  atLeast?: number;
}

const goals: Goal[] = [
  {
    text: 'load straight to its backend, round trips/s',
    scenario: 'echo64',
    metric: 'perSecond',
    target: 'direct',
    atLeast: 150_000,
  },
  {
    text: 'CPU per 64-B round trip, of HAProxy',
    scenario: 'echo64',
    metric: 'cpuUs',
    target: 'sluice',
    peer: 'haproxy',
    atMost: 0.85,
  },
  {
    text: 'CPU per 64-B round trip, of nginx',
    scenario: 'echo64',
    metric: 'cpuUs',
    target: 'sluice',
    peer: 'nginx',
    atMost: 1.05,
  },
  {
    text: 'CPU per 16-KiB round trip, of HAProxy',
    scenario: 'echo16k',
    metric: 'cpuUs',
    target: 'sluice',
    peer: 'haproxy',
    atMost: 0.4,
  },
  {
    text: 'CPU per connect+upgrade+echo+close, of HAProxy',
    scenario: 'churn',
    metric: 'cpuUs',
    target: 'sluice',
    peer: 'haproxy',
    atMost: 1.3,
  },
  {
    text: 'connections/s, of HAProxy',
    scenario: 'churn',
    metric: 'perSecond',
    target: 'sluice',
    peer: 'haproxy',
    atLeast: 0.8,
  },
  { text: 'resident bytes per idle connection', scenario: 'idle', metric: 'rssBytes', target: 'sluice', atMost: 1536 },
  {
    text: 'p99 at 10 000 messages/s, of HAProxy',
    scenario: 'rate',
    metric: 'p99Us',
    target: 'sluice',
    peer: 'haproxy',
    atMost: 1,
  },
  {
    text: 'p99 beside 1 000 handshakes/s, of HAProxy',
    scenario: 'rate-handshakes',
    metric: 'p99Us',
    target: 'sluice',
    peer: 'haproxy',
    atMost: 1,
  },
  {
    text: 'CPU per message, 2 workers of 1',
    scenario: 'workers',
    metric: 'cpuUs',
    target: 'sluice-2w',
    peer: 'sluice-1w',
    atMost: 1.05,
  },
  {
    text: 'CPU per connection of http-proxy, of Sluice',
    scenario: 'churn',
    metric: 'cpuUs',
    target: 'http-proxy',
    peer: 'sluice',
    atLeast: 2.5,
  },
  {
    text: 'CPU per connection, access log on of off',
    scenario: 'log',
    metric: 'cpuUs',
    target: 'sluice-log',
    peer: 'sluice',
    atMost: 1.1,
  },
  {
    text: 'wss: CPU per 64-B round trip, of HAProxy',
    scenario: 'wss-echo64',
    metric: 'cpuUs',
    target: 'sluice',
    peer: 'haproxy',
    atMost: 0.9,
  },
  {
    text: 'wss: CPU per 64-B round trip, of nginx',
    scenario: 'wss-echo64',
    metric: 'cpuUs',
    target: 'sluice',
    peer: 'nginx',
    atMost: 1,
  },
  {
    text: 'wss: CPU per 16-KiB round trip, of HAProxy',
    scenario: 'wss-echo16k',
    metric: 'cpuUs',
    target: 'sluice',
    peer: 'haproxy',
    atMost: 0.95,
  },
  {
    text: 'wss: CPU per full handshake, upgrade, echo and close, of HAProxy',
    scenario: 'wss-churn',
    metric: 'cpuUs',
    target: 'sluice',
    peer: 'haproxy',
    atMost: 1.1,
  },
  {
    text: 'resident bytes per idle wss connection, above OpenSSL alone',
    scenario: 'wss-idle',
    metric: 'rssBytes',
    target: 'sluice',
    peer: 'openssl',
    difference: true,
    atMost: 4096,
  },
];

export interface Verdict {
  text: string;
  bound: string;
  measured: Estimate;
  reached: boolean;
  /** The interval includes the bound. */
  close: boolean;
}

/** The goals that this run measured. */
export function judgeGoals(results: ScenarioResult[]): Verdict[] {
  return goals.flatMap((goal) => {
    const result = results.find(({ scenario }) => scenario.name === goal.scenario);
    const measured = result === undefined ? undefined : measure(goal, result);
    return measured === undefined ? [] : [verdict(goal, measured)];
  });
}

function measure({ target, peer, metric, difference }: Goal, result: ScenarioResult): Estimate | undefined {
  if (peer === undefined) return result.estimate(target, metric);
  return difference === true ? result.difference(target, peer, metric) : result.ratio(target, peer, metric);
}

function verdict(goal: Goal, measured: Estimate): Verdict {
  const bound = goal.atMost ?? goal.atLeast ?? Number.NaN;
  return {
    text: goal.text,
    bound: `${goal.atMost === undefined ? '≥' : '≤'} ${bound}${goal.peer === undefined || goal.difference === true ? '' : ' ×'}`,
    measured,
    reached: goal.atMost === undefined ? measured.median >= bound : measured.median <= bound,
    close: measured.low <= bound && bound <= measured.high,
  };
}
