/**
 * What a scenario is to the runner: which targets take part, what one run does, which of its numbers are shown, and which
 * target's ratio to the others is formed.
 */
import type { TlsTerms } from './certificate.js';
import type { LoadArguments, Metrics } from './load.js';
import type { RunningTarget } from './target.js';

export interface RunSettings {
  seconds: number;
  warmupSeconds: number;
  idleConnections: number;
  tlsVersion: TlsTerms['version'];
  /** Cores of the load generator. */
  cpus: string | undefined;
}

export interface Scenario {
  name: string;
  /** What `--only` takes beside names. */
  group: 'plain' | 'tls';
  title: string;
  /** The target whose ratio to each other is formed. */
  base: string;
  targets: string[];
  /** Shown in this order; the ratio is formed for each of `ratios`. */
  metrics: string[];
  ratios: string[];
  /** A new process for every run, for what depends on its history (memory). */
  fresh: boolean;
  /** For what takes long and hardly varies. */
  roundsMax?: number;
  run(target: RunningTarget, settings: RunSettings): Promise<Metrics>;
}

export const gateways = ['haproxy', 'nginx'];
export const latencies = ['p50Us', 'p99Us', 'p999Us'];

export function timed(settings: RunSettings): { seconds: number; warmup: number } {
  return { seconds: settings.seconds, warmup: settings.warmupSeconds };
}

/** The load's options for TLS. */
export function secured(settings: RunSettings): LoadArguments {
  return { tls: settings.tlsVersion };
}
