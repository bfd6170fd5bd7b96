/**
 * What a probe is: one question to one endpoint, one answer in words, within one deadline.
 *
 * A probe knows nothing of thresholds, schedules or publication. It never rejects, leaves no socket and no timer behind,
 * and gives up when its signal is aborted. healthd's only thread.
 */
import type { ProbeSnapshot } from '@sluice/shared/snapshot/service-policy';

export interface ProbeTarget {
  /** IPv4 or IPv6, without brackets. */
  readonly address: string;
  /** The endpoint's port; `ProbeSnapshot.port` wins when it is not 0. */
  readonly port: number;
}

export interface ProbeResult {
  readonly healthy: boolean;
  /** '' when healthy; else one line that names the probe and what came of it: `probe GET / answered 426; …`. */
  readonly why: string;
  /** From the beginning to the verdict, ms. */
  readonly elapsedMs: number;
  /** Round trip of the ping of a WebSocket probe, ms; undefined when none was made. */
  readonly pingMs?: number;
  /** True when nothing was learnt of the endpoint: the probe was stopped, or the fault is this machine's (EMFILE, …). */
  readonly inconclusive?: boolean;
}

export type Probe = (target: ProbeTarget, probe: ProbeSnapshot, signal: AbortSignal) => Promise<ProbeResult>;
