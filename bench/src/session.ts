/**
 * One run of the benchmark: starts the backend and the targets, proves each correct, goes through the scenarios.
 * Every round runs every target of the scenario once, in a new random order, so that drift of the machine falls on all
 * alike; targets that live across rounds are idle while it is not their turn. A failed run is noted and the rest goes on.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { echoServerProgram } from './build-native.js';
import { makeTerms, type TlsTerms } from './certificate.js';
import { Child, findProgram } from './child.js';
import type { BenchOptions } from './options.js';
import type { TargetPlace } from './place.js';
import { prove } from './proof.js';
import { type Failure, ScenarioResult } from './results.js';
import type { RunSettings, Scenario } from './scenario.js';
import { type Random, seededRandom, shuffled } from './statistics.js';
import { type RunningTarget, startTarget } from './target.js';

export class Session {
  readonly failures: Failure[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  readonly #random: Random;
  readonly #settings: RunSettings;
  readonly #targets = new Map<string, RunningTarget>();
  #backendPort = 0;
  #tls: TlsTerms | undefined;
  #started = 0;

  constructor(readonly options: BenchOptions) {
    const split = options.pin === 'split';
    if (split && findProgram('taskset') === undefined)
      throw new Error('--pin split needs taskset (package util-linux)');
    this.#random = seededRandom(options.seed);
    this.#settings = { ...options, cpus: split ? '1' : undefined };
  }

  async start(): Promise<void> {
    this.#tls = makeTerms(this.folder, this.options.tlsVersion, this.options.key);
    const backend = new Child(echoServerProgram, [], { cpus: this.#settings.cpus });
    const line: unknown = JSON.parse(await backend.line(5000));
    if (typeof line !== 'object' || line === null || !('port' in line))
      throw new Error('the echo backend named no port');
    this.#backendPort = Number(line.port);
  }

  /** Starts and proves what is not running yet. @throws Error when a target does not start or is not correct. */
  async prepare(names: string[]): Promise<void> {
    for (const name of names) {
      if (this.#targets.has(name)) continue;
      const target = await this.#launch(name);
      this.#targets.set(name, target);
      if (target.port === 0) continue;
      await prove(name, target.port);
      if (target.securePort !== undefined) await prove(name, target.securePort, this.#terms);
      console.error(`${name}: echoes correctly${target.securePort === undefined ? '' : ', over TLS too'}`);
    }
  }

  async run(scenario: Scenario): Promise<ScenarioResult> {
    const result = new ScenarioResult(scenario, this.#random);
    const rounds = Math.min(this.options.rounds, scenario.roundsMax ?? this.options.rounds);
    for (let round = 0; round < rounds; round++) {
      process.stderr.write(`${scenario.name}: round ${round + 1} of ${rounds}\n`);
      for (const name of shuffled(scenario.targets, this.#random)) {
        await this.#runOnce(scenario, name, round, result);
      }
    }
    return result;
  }

  /** Removes the generated files; the processes are ended by closeAll. */
  removeFolder(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #runOnce(scenario: Scenario, name: string, round: number, result: ScenarioResult): Promise<void> {
    let own: RunningTarget | undefined;
    try {
      if (scenario.fresh) own = await this.#launch(name);
      const target = own ?? this.#targets.get(name);
      if (target === undefined) throw new Error('the target was not prepared');
      result.record(name, round, await scenario.run(target, this.#settings));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      console.error(`${scenario.name}, ${name}: ${message}`);
      this.failures.push({ scenario: scenario.name, target: name, round, message });
    } finally {
      await own?.child?.close();
    }
  }

  get #terms(): TlsTerms {
    if (this.#tls === undefined) throw new Error('the session was not started');
    return this.#tls;
  }

  #launch(name: string): Promise<RunningTarget> {
    const place: TargetPlace = {
      backendPort: this.#backendPort,
      tls: this.#terms,
      folder: mkdtempSync(join(this.folder, `${name}-${this.#started++}-`)),
      cpus: this.options.pin === 'split' ? '0' : undefined,
    };
    return startTarget(name, place);
  }
}
