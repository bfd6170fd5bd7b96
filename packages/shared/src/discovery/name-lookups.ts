/**
 * What names mean, asked again and again: at once when a name is new, then at an interval with jitter, few at once.
 *
 * A lookup that fails, or does not answer within its deadline, changes nothing of what was known: the last answer stays.
 * That is said once in the log, and once more when it heals. A lookup cannot be called off (getaddrinfo runs in a thread
 * of libuv), so it keeps its place until it ends, and an answer that comes late still counts.
 */
import { lookup } from 'node:dns/promises';
import type { Logger } from '../log.js';
import { type NameAnswer, normaliseAddress } from './endpoints.js';
import { type Job, PeriodicWork } from './periodic-work.js';
import type { Timers } from './timers.js';

export const LOOKUPS_MAX = 4;
export const LOOKUP_DEADLINE_MS = 5000;
/** Endpoints that one name may stand for. */
export const ADDRESSES_MAX = 1024;
const JITTER = 0.1;
const UNANSWERED: NameAnswer = { addresses: null, why: '', settled: false };

/** Addresses of a name, in any spelling. Rejects with the system error. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/** By the system's resolver: hosts file, search domains and all. */
export const systemLookup: Lookup = async (name) => {
  const found = await lookup(name, { all: true, verbatim: true });
  return found.map(({ address }) => address);
};

export interface NameLookupsOptions {
  readonly log: Logger;
  readonly intervalMs: number;
  readonly lookup: Lookup;
  readonly timers: Timers;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** The answer of `name` may have changed. */
  readonly onAnswer: (name: string) => void;
  /** A lookup of `name` has failed, this time. */
  readonly onFailed: (name: string) => void;
}

interface Name {
  readonly name: string;
  answer: NameAnswer;
  job: Job<Name> | undefined;
}

const MEANINGS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such name',
  EAI_AGAIN: 'the name server does not answer',
  ENODATA: 'the name has no address',
};

function describe(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const meaning = MEANINGS[code];
  return meaning === undefined ? message : `${meaning} (${code})`;
}

export class NameLookups {
  readonly #options: NameLookupsOptions;
  readonly #names = new Map<string, Name>();
  readonly #work: PeriodicWork<Name>;

  constructor(options: NameLookupsOptions) {
    const { timers, intervalMs, random } = options;
    this.#options = options;
    this.#work = new PeriodicWork({
      timers,
      concurrency: LOOKUPS_MAX,
      run: (name) => this.#resolve(name),
      nextDueMs: (_, nowMs) => nowMs + intervalMs * (1 - JITTER + 2 * JITTER * random()),
    });
  }

  /** These names and no others from now on. */
  update(names: ReadonlySet<string>): void {
    for (const [text, { job }] of this.#names) {
      if (names.has(text)) continue;
      this.#names.delete(text);
      if (job !== undefined) this.#work.remove(job);
    }
    for (const text of names) {
      if (this.#names.has(text)) continue;
      const name: Name = { name: text, answer: UNANSWERED, job: undefined };
      this.#names.set(text, name);
      name.job = this.#work.add(name, this.#options.timers.nowMs());
    }
  }

  answer(name: string): NameAnswer {
    return this.#names.get(name)?.answer ?? UNANSWERED;
  }

  /** Idempotent. */
  close(): void {
    this.#names.clear();
    this.#work.close();
  }

  async #resolve(name: Name): Promise<void> {
    const { timers, lookup: resolve } = this.#options;
    let isLate = false;
    const cancel = timers.after(LOOKUP_DEADLINE_MS, () => {
      isLate = true;
      this.#failed(name, `no answer within ${LOOKUP_DEADLINE_MS / 1000} s`);
    });
    try {
      this.#answered(name, await resolve(name.name));
    } catch (error) {
      // Once is enough for one lookup.
      if (!isLate) this.#failed(name, describe(error));
    } finally {
      cancel();
    }
  }

  #answered(name: Name, found: readonly string[]): void {
    const addresses = [...new Set(found.flatMap((text) => normaliseAddress(text) ?? []))].sort();
    if (addresses.length === 0) {
      this.#failed(name, 'the answer has no address');
      return;
    }
    const beyond = addresses.length - ADDRESSES_MAX;
    const why =
      beyond <= 0 ? '' : `name ${name.name}: ${beyond} addresses beyond the first ${ADDRESSES_MAX} are left out`;
    this.#set(name, { addresses: addresses.slice(0, ADDRESSES_MAX), why, settled: true });
  }

  #failed(name: Name, meaning: string): void {
    const why = `name ${name.name} cannot be resolved: ${meaning}`;
    if (this.#names.get(name.name) === name) this.#options.onFailed(name.name);
    this.#set(name, { addresses: name.answer.addresses, why, settled: true });
  }

  #set(name: Name, answer: NameAnswer): void {
    if (this.#names.get(name.name) !== name) return;
    const before = name.answer;
    name.answer = answer;
    const { log, onAnswer } = this.#options;
    const detail = { name: name.name, addresses: answer.addresses?.length ?? 0 };
    if (answer.why !== '' && before.why === '') log.warn(detail, answer.why);
    else if (answer.why === '' && before.why !== '') log.info(detail, 'name is resolved again');
    onAnswer(name.name);
  }
}
