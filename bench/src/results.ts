/**
 * What was measured, round by round, and what follows from it: an estimate for every metric of every target, and the
 * paired ratio of the scenario's base to every other target. A run that failed leaves a gap, which a pair skips.
 */
import type { Metrics } from './load.js';
import type { Scenario } from './scenario.js';
import { type Estimate, estimate, type Random } from './statistics.js';

export interface Failure {
  scenario: string;
  target: string;
  round: number;
  message: string;
}

export class ScenarioResult {
  readonly #runs = new Map<string, (Metrics | undefined)[]>();

  constructor(
    readonly scenario: Scenario,
    readonly random: Random,
  ) {}

  get targets(): string[] {
    return this.scenario.targets.filter((target) => this.#runs.has(target));
  }

  record(target: string, round: number, metrics: Metrics): void {
    const runs = this.#runs.get(target) ?? [];
    runs[round] = metrics;
    this.#runs.set(target, runs);
  }

  /** Undefined when no run of the target has the metric. */
  estimate(target: string, metric: string): Estimate | undefined {
    return this.#estimateOf((this.#runs.get(target) ?? []).map((run) => run?.[metric]));
  }

  /** Of the per-round quotients numerator / denominator. */
  ratio(numerator: string, denominator: string, metric: string): Estimate | undefined {
    return this.#paired(numerator, denominator, metric, (top, bottom) => (bottom === 0 ? undefined : top / bottom));
  }

  /** Of the per-round differences target − peer. */
  difference(target: string, peer: string, metric: string): Estimate | undefined {
    return this.#paired(target, peer, metric, (one, other) => one - other);
  }

  #paired(
    target: string,
    peer: string,
    metric: string,
    form: (value: number, peers: number) => number | undefined,
  ): Estimate | undefined {
    const others = this.#runs.get(peer) ?? [];
    const values = (this.#runs.get(target) ?? []).map((run, round) => {
      const value = run?.[metric];
      const peers = others[round]?.[metric];
      return value === undefined || peers === undefined ? undefined : form(value, peers);
    });
    return this.#estimateOf(values);
  }

  #estimateOf(values: (number | undefined)[]): Estimate | undefined {
    const present = values.filter((value) => value !== undefined);
    return present.length === 0 ? undefined : estimate(present, this.random);
  }

  toJSON(): object {
    const targets = this.targets.map((target) => [
      target,
      Object.fromEntries(this.scenario.metrics.map((metric) => [metric, this.estimate(target, metric)])),
    ]);
    const { base, ratios } = this.scenario;
    const others = this.targets.filter((target) => target !== base);
    const quotients = others.map((target) => [
      `${base}/${target}`,
      Object.fromEntries(ratios.map((metric) => [metric, this.ratio(base, target, metric)])),
    ]);
    return {
      name: this.scenario.name,
      title: this.scenario.title,
      targets: Object.fromEntries(targets),
      ratios: Object.fromEntries(quotients),
      runs: Object.fromEntries(this.#runs),
    };
  }
}
