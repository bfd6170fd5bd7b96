/**
 * The daemon's services from configuration files, read again when the files change (`--watch`) and on SIGHUP.
 *
 * Invariant: one reading at a time, and one more behind it when it was asked for meanwhile. What has errors, or cannot be
 * read, changes nothing: it is logged and counted, and what is in force stays. healthd's only thread; files are read and
 * compiled in a thread of their own.
 */
import type { ConfigurationState, ReloadResult } from '@sluice/shared/admin/configuration-metrics';
import type {
  CompiledConfiguration,
  CompileOutcome,
  ConfigurationCompiler,
} from '@sluice/shared/configuration/compiled';
import { ThreadCompiler } from '@sluice/shared/configuration/compiler';
import { firstConfiguration } from '@sluice/shared/configuration/first';
import { followingCompiler } from '@sluice/shared/configuration/following';
import { openSource, watchedPaths } from '@sluice/shared/configuration/source';
import { ConfigurationWatcher } from '@sluice/shared/configuration/watcher';
import { type ProbedServices, probedServicesOf, servicesOf } from '@sluice/shared/health/probed-services';
import type { Logger } from '@sluice/shared/log';
import { type ConfigIssue, formatIssue } from '@sluice/shared/resources/issue';
import { openSnapshot } from '@sluice/shared/snapshot/view';
import type { ServicesSource } from './services-source.js';

/** Errors that one log line may have. */
const ERRORS_MAX = 20;

export interface FileServicesOptions {
  /** Files and folders, `-` for standard input. */
  readonly paths: readonly string[];
  /** Whether changes of the files are noticed. */
  readonly watch: boolean;
  readonly log: Logger;
}

export class FileServices implements ServicesSource {
  readonly #options: FileServicesOptions;
  readonly #reloads: Record<ReloadResult, number> = { applied: 0, unchanged: 0, refused: 0 };
  #compiler: ConfigurationCompiler | undefined;
  #watcher: ConfigurationWatcher | undefined;
  #apply: ((services: ProbedServices) => void) | undefined;
  #reading = false;
  #again = false;
  #version = '';
  #last: ConfigurationState['last'] = { atMs: Date.now(), result: 'applied' };

  constructor(options: FileServicesOptions) {
    this.#options = options;
  }

  get state(): ConfigurationState {
    return { version: this.#version, counts: this.#reloads, last: this.#last };
  }

  /** Files are watched before they are read, so that no change falls in between. */
  async first(): Promise<ProbedServices> {
    const { paths, watch, log } = this.#options;
    const source = await openSource(paths);
    const thread = new ThreadCompiler({ source, forProbes: true });
    this.#compiler = thread;
    if (watch) {
      this.#watcher = new ConfigurationWatcher({ paths: watchedPaths(source), onChange: () => this.reload(), log });
      await this.#watcher.start();
      this.#compiler = followingCompiler(thread, this.#watcher);
    }
    const first = await firstConfiguration(this.#compiler);
    this.#version = first.version;
    this.#last = { atMs: Date.now(), result: 'applied' };
    this.#warn(first.issues);
    return probedIn(first);
  }

  follow(apply: (services: ProbedServices) => void): void {
    this.#apply = apply;
    if (this.#again) this.reload();
  }

  /** Never throws. */
  reload(): void {
    this.#again = true;
    if (this.#reading || this.#apply === undefined) return;
    this.#reading = true;
    void this.#read().finally(() => {
      this.#reading = false;
      // Asked for between its last look and here.
      if (this.#again) this.reload();
    });
  }

  async close(): Promise<void> {
    this.#apply = undefined;
    this.#watcher?.close();
    await this.#compiler?.close();
  }

  async #read(): Promise<void> {
    const { log } = this.#options;
    while (this.#again && this.#apply !== undefined) {
      this.#again = false;
      try {
        const outcome = await this.#compiler?.compile();
        if (outcome !== undefined) this.#take(outcome);
      } catch (error) {
        this.#note('refused');
        log.error({ err: error }, 'the configuration cannot be read; what is in force stays');
      }
    }
  }

  #take(outcome: CompileOutcome): void {
    const { log } = this.#options;
    if (outcome.type === 'refused') {
      this.#note('refused');
      const errors = outcome.issues.filter(({ severity }) => severity === 'error');
      const detail = { errors: errors.slice(0, ERRORS_MAX).map(formatIssue), count: errors.length };
      log.error(detail, 'the configuration is refused; the one before stays in force');
      return;
    }
    const { version, elapsedMs } = outcome;
    if (outcome.type === 'unchanged') {
      this.#note('unchanged');
      log.info({ version, elapsedMs }, 'the configuration is the same');
      return;
    }
    this.#apply?.(probedIn(outcome));
    this.#version = version;
    this.#note('applied');
    log.info({ version, elapsedMs }, 'another configuration is in force');
    this.#warn(outcome.issues);
  }

  #note(result: ReloadResult): void {
    this.#reloads[result] += 1;
    this.#last = { atMs: Date.now(), result };
  }

  #warn(issues: readonly ConfigIssue[]): void {
    for (const issue of issues) this.#options.log.warn(formatIssue(issue));
  }
}

function probedIn({ snapshot, material }: CompiledConfiguration): ProbedServices {
  return probedServicesOf(servicesOf(openSnapshot(snapshot)), material);
}
