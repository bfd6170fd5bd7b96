/**
 * Judgement: from single probes to a verdict. Pure.
 *
 * An endpoint is unknown until enough probes in a row agree; a verdict stands until enough probes in a row contradict
 * it. One probe that agrees with the verdict takes back every contradiction before it.
 */
export type Verdict = 'unknown' | 'healthy' | 'unhealthy';

export interface Judgement {
  readonly verdict: Verdict;
  /** Probes in a row that succeeded, or failed; one of them is 0. Counted no further than the threshold. */
  readonly successes: number;
  readonly failures: number;
}

export interface Thresholds {
  /** Successes in a row that make an endpoint healthy; at least 1. */
  readonly healthyThreshold: number;
  /** Failures in a row that make it unhealthy; at least 1. */
  readonly unhealthyThreshold: number;
}

/** A judgement that is known from elsewhere: nothing speaks against it yet. */
export function settledJudgement(verdict: Verdict): Judgement {
  return { verdict, successes: 0, failures: 0 };
}

/** The judgement after one more probe. */
export function judge(before: Judgement, healthy: boolean, thresholds: Thresholds): Judgement {
  const { healthyThreshold, unhealthyThreshold } = thresholds;
  if (healthy) {
    const successes = Math.min(before.successes + 1, healthyThreshold);
    return { verdict: successes >= healthyThreshold ? 'healthy' : before.verdict, successes, failures: 0 };
  }
  const failures = Math.min(before.failures + 1, unhealthyThreshold);
  return { verdict: failures >= unhealthyThreshold ? 'unhealthy' : before.verdict, successes: 0, failures };
}
