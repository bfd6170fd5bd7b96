/**
 * The scenarios with TLS between client and proxy, the backend plain: the same messages as without, full and resumed
 * handshakes, idle connections, and what a storm of handshakes does to the echoes of others.
 */
import { idleTls } from './idle.js';
import { type LoadArguments, type Metrics, measureBeside, measureLoad } from './load.js';
import { gateways, latencies, type RunSettings, type Scenario, secured, timed } from './scenario.js';
import type { RunningTarget } from './target.js';

type TlsScenario = Omit<Scenario, 'group'>;

const common = { base: 'sluice', targets: ['sluice', ...gateways], fresh: false };
const perMessage = { metrics: ['cpuUs', 'perSecond', 'p50Us', 'p99Us'], ratios: ['cpuUs', 'perSecond'] };

function echo(name: string, label: string, size: number): TlsScenario {
  return {
    ...common,
    ...perMessage,
    name,
    title: `wss: echo of ${label} over 50 connections, one message in flight each`,
    run: (target, settings) =>
      measureLoad('echo', target, { ...timed(settings), ...secured(settings), size }, settings.cpus),
  };
}

/** A connection that is not resumed as it should be, or is resumed when it should not be, is an error of the load's. */
function churn(name: string, title: string, resume: 0 | 1): TlsScenario {
  return {
    ...common,
    ...perMessage,
    metrics: [...perMessage.metrics, 'resumed', 'errors'],
    name,
    title,
    run: (target, settings) =>
      measureLoad('churn', target, { ...timed(settings), ...secured(settings), resume }, settings.cpus),
  };
}

/** Four clients that do nothing but full handshakes as fast as they can, beside 2 000 echoes a second of others. */
function storm(name: string, label: string, echoOptions: (settings: RunSettings) => LoadArguments): TlsScenario {
  return {
    ...common,
    name,
    title: `${label}: latency at 2 000 messages/s (64 B, 50 connections) while 4 clients do full TLS handshakes`,
    metrics: [...latencies, 'handshakesPerSecond', 'errors'],
    ratios: ['p50Us', 'p99Us'],
    run(target: RunningTarget, settings: RunSettings): Promise<Metrics> {
      const seconds = 2 * settings.seconds; // few messages, of which the slowest count
      const echoes = { ...timed(settings), seconds, rate: 2000, connections: 50, ...echoOptions(settings) };
      return measureBeside(target, echoes, { connections: 4, ...secured(settings) }, settings.cpus);
    },
  };
}

export const tlsScenarios: TlsScenario[] = [
  echo('wss-echo64', '64 B', 64),
  echo('wss-echo16k', '16 KiB', 16 * 1024),
  churn('wss-churn', 'wss: connect, full TLS handshake, upgrade, one 64-B echo, close; 50 at a time', 0),
  churn('wss-resume', 'The same with the session of the connection before resumed by its ticket', 1),
  {
    ...common,
    name: 'wss-idle',
    title: 'Resident memory per idle wss connection, and what OpenSSL itself takes for one',
    targets: [...common.targets, 'openssl'],
    metrics: ['rssBytes', 'plainBytes', 'tlsBytes', 'startMiB'],
    ratios: ['rssBytes'],
    fresh: true,
    roundsMax: 2,
    run: idleTls,
  },
  storm('storm', 'Spliced ws', () => ({})),
  storm('wss-storm', 'Spliced wss', secured),
];
