/**
 * When the configuration is read again, and what came of it: one attempt at a time, the last wish counts.
 *
 * Invariant: whatever goes wrong, the configuration in force stays, and log, metrics and `/config` say why. Equal
 * configuration is no change. Lifecycle: `open` compiles the first; `begin` allows changes; `close` ends. Primary thread.
 */
import type {
  CompiledConfiguration,
  CompileOutcome,
  ConfigurationCompiler,
} from '@sluice/shared/configuration/compiled';
import { firstConfiguration } from '@sluice/shared/configuration/first';
import type { Logger } from '@sluice/shared/log';
import { formatIssue } from '@sluice/shared/resources/issue';
import { type Attempt, configPage, type ReloadResult } from './config-page.js';
import type { BoundListener } from './listeners.js';

export interface ReloadOptions {
  readonly compiler: ConfigurationCompiler;
  /** What asks for another attempt; closed with this. */
  readonly watcher: { close(): void };
  /** Where the configuration is read from. */
  readonly paths: readonly string[];
  readonly log: Logger;
}

/** Puts a configuration in force; where its listeners can be reached. Rejects when nothing has changed. */
export type Apply = (compiled: CompiledConfiguration) => Promise<readonly BoundListener[]>;

/** Issues that one attempt writes to the log. */
const LOGGED_MAX = 20;

export class Reload {
  readonly #options: ReloadOptions;
  #first: CompiledConfiguration | undefined;
  readonly counts: Record<ReloadResult, number> = { applied: 0, unchanged: 0, refused: 0 };
  #apply: Apply | undefined;
  #bound: readonly BoundListener[] = [];
  #inForce: Pick<CompiledConfiguration, 'version' | 'statuses'>;
  #appliedAtMs: number;
  /** Compiled, but it could not be put in force: its time may come. */
  #pending: CompiledConfiguration | undefined;
  #last: Attempt;
  #page: string;
  #wanted = false;
  #running: Promise<void> | undefined;
  #closed = false;

  private constructor(options: ReloadOptions, first: CompiledConfiguration) {
    const { elapsedMs, issues, version, statuses } = first;
    this.#options = options;
    this.#first = first;
    this.#inForce = { version, statuses };
    this.#appliedAtMs = Date.now();
    this.#last = { atMs: this.#appliedAtMs, result: 'applied', elapsedMs, issues: issues.map(formatIssue) };
    this.#page = this.#write();
    for (const warning of this.#last.issues) options.log.warn(warning);
  }

  /** Compiles the first configuration. Rejects with ExitError. */
  static async open(options: ReloadOptions): Promise<Reload> {
    return new Reload(options, await firstConfiguration(options.compiler));
  }

  /** The first configuration, for who puts it in force: once. Kept by nobody else, for it has the keys of its certificates. */
  takeFirst(): CompiledConfiguration {
    const first = this.#first;
    this.#first = undefined;
    if (first === undefined) throw new Error('the first configuration has been taken');
    return first;
  }

  get version(): string {
    return this.#inForce.version;
  }

  get last(): Attempt {
    return this.#last;
  }

  /** JSON for `/config`. */
  get page(): string {
    return this.#page;
  }

  /** Changes may be applied from now on. */
  begin(apply: Apply, listeners: readonly BoundListener[]): void {
    this.#apply = apply;
    this.#bound = listeners;
    this.#page = this.#write();
    if (this.#wanted) this.request();
  }

  /** Reads the configuration again, soon. */
  request(): void {
    this.#wanted = true;
    if (this.#apply === undefined || this.#closed || this.#running !== undefined) return;
    this.#running = this.#run(this.#apply).finally(() => {
      this.#running = undefined;
      // Asked for between its last look and here.
      if (this.#wanted) this.request();
    });
  }

  /** Idempotent. Resolves when nothing is applied any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#options.watcher.close();
    await this.#options.compiler.close();
    await this.#running;
  }

  async #run(apply: Apply): Promise<void> {
    while (this.#wanted && !this.#closed) {
      this.#wanted = false;
      const beganMs = performance.now();
      try {
        const outcome = await this.#options.compiler.compile();
        if (!this.#closed) await this.#settle(outcome, apply, beganMs);
      } catch (error) {
        const why = (error as Error).message.replace(/^sluice: /, '');
        this.#refused([`the configuration cannot be put in force: ${why}`], beganMs);
      }
    }
  }

  async #settle(outcome: CompileOutcome, apply: Apply, beganMs: number): Promise<void> {
    if (outcome.type === 'refused') {
      // Its warnings say what such a configuration would come to, which it does not.
      const errors = outcome.issues.filter(({ severity }) => severity === 'error');
      this.#refused(errors.map(formatIssue), beganMs);
      return;
    }
    const lines = outcome.issues.map(formatIssue);
    if (outcome.type === 'compiled') this.#pending = outcome;
    if (outcome.version === this.version) {
      // Also when it went away and came back while it could not be put in force.
      this.#pending = undefined;
      this.#inForce = { version: outcome.version, statuses: outcome.statuses };
      this.#note('unchanged', lines, beganMs);
      this.#options.log.info(
        { version: this.version, elapsedMs: this.#last.elapsedMs },
        'the configuration is the same',
      );
      return;
    }
    if (this.#pending !== undefined) await this.#applied(this.#pending, lines, apply, beganMs);
  }

  async #applied(
    compiled: CompiledConfiguration,
    lines: readonly string[],
    apply: Apply,
    beganMs: number,
  ): Promise<void> {
    const { version, statuses } = compiled;
    this.#bound = await apply(compiled);
    this.#pending = undefined;
    this.#inForce = { version, statuses };
    this.#appliedAtMs = Date.now();
    this.#logLines('warn', lines);
    this.#note('applied', lines, beganMs);
    this.#options.log.info({ version, elapsedMs: this.#last.elapsedMs }, 'another configuration is in force');
  }

  #refused(lines: readonly string[], beganMs: number): void {
    if (this.#closed) return;
    this.#logLines('error', lines);
    this.#note('refused', lines, beganMs);
    const detail = { version: this.version, elapsedMs: this.#last.elapsedMs };
    this.#options.log.error(detail, 'the configuration is refused; the one before stays in force');
  }

  #logLines(level: 'warn' | 'error', lines: readonly string[]): void {
    const { log } = this.#options;
    for (const line of lines.slice(0, LOGGED_MAX)) log[level](line);
    if (lines.length > LOGGED_MAX) log[level]({ more: lines.length - LOGGED_MAX }, 'more of these are in /config');
  }

  #note(result: ReloadResult, issues: readonly string[], beganMs: number): void {
    this.counts[result] += 1;
    this.#last = { atMs: Date.now(), result, elapsedMs: Math.round(performance.now() - beganMs), issues };
    this.#page = this.#write();
  }

  #write(): string {
    const { version, statuses } = this.#inForce;
    const { paths } = this.#options;
    const [appliedAtMs, last, listeners] = [this.#appliedAtMs, this.#last, this.#bound];
    return configPage({ version, appliedAtMs, paths, last, listeners, statuses });
  }
}
