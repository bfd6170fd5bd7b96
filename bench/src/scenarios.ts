/**
 * The scenarios, those without TLS (scenarios-tls.ts has the others). Parameters are the issue's: 50 connections with one message in flight, an 800-byte
 * browser head, 10 000 messages/s over 100 connections, 1 000 handshakes/s beside them.
 */
import { idle } from './idle.js';
import { type LoadArguments, type Metrics, measureBeside, measureLoad } from './load.js';
import { gateways, latencies, type RunSettings, type Scenario, timed } from './scenario.js';
import { tlsScenarios } from './scenarios-tls.js';
import type { RunningTarget } from './target.js';

const peers = [...gateways, 'http-proxy'];

function echo(name: string, label: string, size: number): Omit<Scenario, 'group'> {
  return {
    name,
    title: `Echo of ${label} over 50 connections, one message in flight each`,
    base: 'sluice',
    targets: ['sluice', ...peers, 'direct'],
    metrics: ['cpuUs', 'perSecond', 'p50Us', 'p99Us'],
    ratios: ['cpuUs', 'perSecond'],
    fresh: false,
    run: (target, settings) => measureLoad('echo', target, { ...timed(settings), size }, settings.cpus),
  };
}

/**
 * `fin` ends with the two FINs alone, the barest close there is; `frame` adds the closing handshake of RFC 6455, one more
 * exchange through the splice. The figures to reach are for `fin`: it leaves the least room to hide the upgrade's cost.
 */
function churn(close: 'fin' | 'frame'): Scenario['run'] {
  return (target, settings) => measureLoad('churn', target, { ...timed(settings), close }, settings.cpus);
}

const steadyRate: LoadArguments = { rate: 10_000, connections: 100 };

function rate(target: RunningTarget, settings: RunSettings): Promise<Metrics> {
  return measureLoad('rate', target, { ...timed(settings), ...steadyRate }, settings.cpus);
}

function rateWithHandshakes(target: RunningTarget, settings: RunSettings): Promise<Metrics> {
  const handshakes = { rate: 1000, connections: 500 };
  return measureBeside(target, { ...timed(settings), ...steadyRate }, handshakes, settings.cpus);
}

const plainScenarios: Omit<Scenario, 'group'>[] = [
  echo('echo64', '64 B', 64),
  echo('echo1k', '1 KiB', 1024),
  echo('echo16k', '16 KiB', 16 * 1024),
  echo('echo64k', '64 KiB', 64 * 1024),
  {
    name: 'churn',
    title: 'Connect, upgrade (800-byte head), one 64-B echo, close; 50 at a time',
    base: 'sluice',
    targets: ['sluice', ...peers, 'direct'],
    metrics: ['cpuUs', 'perSecond', 'p50Us', 'p99Us', 'errors'],
    ratios: ['cpuUs', 'perSecond'],
    fresh: false,
    run: churn('fin'),
  },
  {
    name: 'churn-frame',
    title: 'The same with the closing handshake before the end',
    base: 'sluice',
    targets: ['sluice', ...peers, 'direct'],
    metrics: ['cpuUs', 'perSecond', 'p50Us', 'p99Us', 'errors'],
    ratios: ['cpuUs', 'perSecond'],
    fresh: false,
    run: churn('frame'),
  },
  {
    name: 'idle',
    title: 'Resident memory per idle connection',
    base: 'sluice',
    targets: ['sluice', ...peers],
    metrics: ['rssBytes', 'rssAgainBytes', 'rssFromStartBytes', 'startMiB'],
    ratios: ['rssBytes'],
    fresh: true,
    roundsMax: 2,
    run: idle,
  },
  {
    name: 'rate',
    title: 'Latency at 10 000 messages/s (64 B, 100 connections), from the intended send time',
    base: 'sluice',
    targets: ['sluice', ...peers, 'direct'],
    metrics: [...latencies, 'cpuUs'],
    ratios: ['p50Us', 'p99Us'],
    fresh: false,
    run: rate,
  },
  {
    name: 'rate-handshakes',
    title: 'The same while 1 000 handshakes/s go on',
    base: 'sluice',
    targets: ['sluice', ...peers, 'direct'],
    metrics: [...latencies, 'handshakesPerSecond', 'errors'],
    ratios: ['p50Us', 'p99Us'],
    fresh: false,
    run: rateWithHandshakes,
  },
  {
    name: 'workers',
    title: 'Sluice with 2 workers and with 1: echo of 64 B over 50 connections, never pinned',
    base: 'sluice-2w',
    targets: ['sluice-2w', 'sluice-1w'],
    metrics: ['cpuUs', 'perSecond', 'p99Us'],
    ratios: ['cpuUs', 'perSecond'],
    fresh: false,
    run: (target, settings) => measureLoad('echo', target, { ...timed(settings), size: 64 }, undefined),
  },
  {
    name: 'log',
    title: 'Sluice with the access log in a file and off: connect, upgrade, echo, close',
    base: 'sluice-log',
    targets: ['sluice-log', 'sluice'],
    metrics: ['cpuUs', 'perSecond', 'p99Us', 'errors'],
    ratios: ['cpuUs', 'perSecond'],
    fresh: false,
    run: churn('fin'),
  },
];

export const scenarios: Scenario[] = [
  ...plainScenarios.map((scenario): Scenario => ({ ...scenario, group: 'plain' })),
  ...tlsScenarios.map((scenario): Scenario => ({ ...scenario, group: 'tls' })),
];
