/**
 * The worker slots: keeps one live worker on every engine, and every engine's spliced connections moving meanwhile.
 *
 * Invariant: an engine is driven by at most one thread, and a dead worker's engine by exactly one: as soon as the thread
 * has ended it goes to a keeper, which is a live worker, or the primary itself while no worker lives. Its successor
 * attaches only after the keeper has let go. Primary thread.
 */
import type { Logger } from '@sluice/shared/log';
import type { EngineIndex, Native } from '../engine/binding.js';
import type { Fault, ToPrimary, ToWorker, WorkerTask } from '../worker/messages.js';
import { failuresAfter, restartDelayMs } from './backoff.js';
import { type Death, Incarnation } from './incarnation.js';

/** Deaths of one worker in a row, before it was ever ready, after which starting is given up. */
const START_ATTEMPTS_MAX = 3;

/** The keeper of last resort: this thread. */
const PRIMARY = 'primary';

export interface SupervisorOptions {
  readonly native: Pick<Native, 'adopt' | 'detach'>;
  /** Engine of each worker slot. */
  readonly engines: readonly EngineIndex[];
  readonly task: (worker: number) => Omit<WorkerTask, 'port'>;
  /** The revisions that a task of now has. */
  readonly revisions: () => Revisions;
  /** Heap of each worker. */
  readonly workerHeapMiB: number;
  readonly log: Logger;
  /** Told when the number of live workers has changed. */
  readonly onChange: () => void;
  /** Told when what is seen of the configuration may have changed. */
  readonly onSeen: () => void;
}

/** Of what workers are told, each by its own count. */
export interface Revisions {
  membership: number;
  configuration: number;
}

/** `booting`: not attached yet; `ending`: told to die; `waiting`: dead, the next life is scheduled. */
type SlotState = 'booting' | 'live' | 'ending' | 'waiting' | 'stopped';

/** A worker's place: its engine, its present life, and who drives its engine in between. */
interface Slot {
  readonly worker: number;
  readonly engine: EngineIndex;
  state: SlotState;
  incarnation: Incarnation | undefined;
  keeper: Slot | typeof PRIMARY | undefined;
  /** From a death until a successor has been told to attach. */
  orphan: boolean;
  /** The present life has loaded its code and waits for its engine. */
  booted: boolean;
  /** What the present life chooses and routes by, or older. */
  seen: Revisions;
  /** Moment (performance.now) of the present life's beginning. */
  bornMs: number;
  failures: number;
  timer: NodeJS.Timeout | undefined;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #slots: Slot[];
  readonly #started: Promise<boolean>;
  #startedDone: (started: boolean) => void = () => {};
  #startFailed: (error: Error) => void = () => {};
  #starting = true;
  #stopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#slots = options.engines.map((engine, worker) => ({
      worker,
      engine,
      state: 'stopped',
      incarnation: undefined,
      keeper: undefined,
      orphan: false,
      booted: false,
      seen: { membership: 0, configuration: 0 },
      bornMs: 0,
      failures: 0,
      timer: undefined,
    }));
    this.#started = new Promise((resolve, reject) => {
      this.#startedDone = resolve;
      this.#startFailed = reject;
    });
  }

  /** Starts every worker; resolves with true when all are ready, with false when it was closed before. */
  start(): Promise<boolean> {
    for (const slot of this.#slots) this.#boot(slot);
    return this.#started;
  }

  get liveWorkers(): number {
    return this.#slots.filter(({ state }) => state === 'live').length;
  }

  /** The workers that are alive, or about to be: who should be watched for a hang. */
  watched(): readonly { worker: number; engine: EngineIndex; live: boolean; ageMs: number }[] {
    const nowMs = performance.now();
    return this.#slots
      .filter(({ state }) => state === 'live' || state === 'booting')
      .map(({ worker, engine, state, bornMs }) => ({ worker, engine, live: state === 'live', ageMs: nowMs - bornMs }));
  }

  /** Ends a worker's present life; the next one follows by itself. */
  kill(worker: number, message: string, code: string): void {
    const slot = this.#slots[worker];
    if (slot?.incarnation === undefined || (slot.state !== 'live' && slot.state !== 'booting')) return;
    slot.state = 'ending';
    this.#options.onChange();
    slot.incarnation.terminate(message, code);
  }

  /** Injects a fault. False when there is no such worker alive. */
  fault(worker: number, fault: Fault): boolean {
    const slot = this.#slots[worker];
    if (slot?.incarnation === undefined || slot.state !== 'live') return false;
    slot.incarnation.post({ type: 'fault', fault });
    return true;
  }

  /** Tells every worker that lives, also one that boots: it hears it when it listens. */
  tellAll(message: ToWorker): void {
    for (const { incarnation } of this.#slots) incarnation?.post(message);
  }

  /** The oldest revision that a worker may still go by. */
  seen(what: keyof Revisions): number {
    return this.#slots.reduce((least, { incarnation, seen }) => {
      return incarnation === undefined ? least : Math.min(least, seen[what]);
    }, Number.POSITIVE_INFINITY);
  }

  /** Stops every worker. Idempotent. */
  async close(): Promise<void> {
    this.#stopping = true;
    this.#startedDone(false);
    for (const slot of this.#slots) {
      clearTimeout(slot.timer);
      this.#takeBack(slot);
    }
    await Promise.all(this.#slots.map((slot) => slot.incarnation?.stop()));
  }

  #boot(slot: Slot): void {
    slot.state = 'booting';
    slot.booted = false;
    slot.seen = this.#options.revisions();
    slot.bornMs = performance.now();
    slot.incarnation = new Incarnation(this.#options.task(slot.worker), this.#options.workerHeapMiB, {
      onMessage: (message) => this.#onMessage(slot, message),
      onDeath: (death) => this.#onDeath(slot, death),
    });
  }

  #onMessage(slot: Slot, message: ToPrimary): void {
    if (message.type === 'booted') this.#onBooted(slot);
    else if (message.type === 'ready') this.#onReady(slot);
    else if (message.type === 'adopted') this.#onAdopted(slot, message.engine, message.error);
    else if (message.type === 'released') this.#onReleased(slot, message.engine);
    else if (message.type === 'membership-seen') this.#onSeen(slot, 'membership', message.revision);
    else if (message.type === 'snapshot-seen') this.#onSeen(slot, 'configuration', message.revision);
    else if (message.type === 'log')
      this.#options.log[message.level]({ worker: slot.worker, ...message.detail }, message.message);
  }

  #onSeen({ seen }: Slot, what: keyof Revisions, revision: number): void {
    seen[what] = Math.max(seen[what], revision);
    if (what === 'configuration') this.#options.onSeen();
  }

  #onBooted(slot: Slot): void {
    slot.booted = true;
    this.#takeBack(slot);
    if (typeof slot.keeper === 'object') slot.keeper.incarnation?.post({ type: 'release', engine: slot.engine });
    else this.#settle(slot);
  }

  /** Gives an engine that nobody drives to its booted worker, else to a keeper. */
  #settle(slot: Slot): void {
    if (slot.keeper !== undefined) return;
    if (slot.state !== 'booting' || !slot.booted) {
      this.#keep(slot);
      return;
    }
    slot.booted = false;
    slot.orphan = false;
    slot.incarnation?.post({ type: 'attach' });
  }

  #onReady(slot: Slot): void {
    if (slot.state !== 'booting') return;
    slot.state = 'live';
    this.#options.log.info(
      { worker: slot.worker, bootMs: Math.round(performance.now() - slot.bornMs) },
      'worker ready',
    );
    for (const other of this.#slots) {
      if (other.keeper !== PRIMARY) continue;
      this.#takeBack(other);
      this.#keep(other);
    }
    this.#options.onChange();
    if (!this.#starting || this.liveWorkers < this.#slots.length) return;
    this.#starting = false;
    this.#startedDone(true);
  }

  #onAdopted(keeper: Slot, engine: EngineIndex, error: string): void {
    const slot = this.#owner(keeper, engine);
    if (error === '' || slot === undefined) return;
    this.#options.log.error({ worker: keeper.worker, engine, error }, 'a dead worker’s engine could not be adopted');
    slot.keeper = undefined;
    if (slot.booted) this.#settle(slot);
    else this.#keepHere(slot);
  }

  #onReleased(keeper: Slot, engine: EngineIndex): void {
    const slot = this.#owner(keeper, engine);
    if (slot === undefined) return;
    slot.keeper = undefined;
    this.#settle(slot);
  }

  #owner(keeper: Slot, engine: EngineIndex): Slot | undefined {
    return this.#slots.find((slot) => slot.engine === engine && slot.keeper === keeper);
  }

  #onDeath(slot: Slot, death: Death): void {
    slot.incarnation = undefined;
    if (this.#stopping) {
      slot.state = 'stopped';
      return;
    }
    const livedMs = Math.round(performance.now() - slot.bornMs);
    slot.failures = failuresAfter(slot.failures, livedMs);
    const delayMs = restartDelayMs(slot.failures++);
    const { name, message, code } = death;
    const detail = { worker: slot.worker, error: name, message, code, livedMs, restartInMs: delayMs };
    this.#options.log.error(detail, 'worker died');
    slot.state = 'waiting';
    slot.orphan = true;
    slot.booted = false;
    this.#keep(slot);
    this.#passOn(slot);
    this.#options.onChange();
    if (this.#starting && slot.failures >= START_ATTEMPTS_MAX) {
      this.#startFailed(new Error(`worker ${slot.worker} does not start: ${message}`));
    }
    slot.timer = setTimeout(() => this.#boot(slot), delayMs);
    this.#options.onSeen();
  }

  /** Has a live worker drive a dead worker's engine, the one that keeps the fewest; without one this thread does. */
  #keep(slot: Slot): void {
    if (!slot.orphan || slot.keeper !== undefined) return;
    const kept = (live: Slot): number => this.#slots.filter(({ keeper }) => keeper === live).length;
    const live = this.#slots.filter(({ state }) => state === 'live').sort((a, b) => kept(a) - kept(b))[0];
    if (live?.incarnation === undefined) {
      this.#keepHere(slot);
      return;
    }
    slot.keeper = live;
    live.incarnation.post({ type: 'adopt', engine: slot.engine });
  }

  #keepHere(slot: Slot): void {
    try {
      this.#options.native.adopt(slot.engine);
      slot.keeper = PRIMARY;
    } catch (error) {
      this.#options.log.error({ err: error, engine: slot.engine }, 'a dead worker’s engine has no keeper');
    }
  }

  /** Ends the primary's own keeping. */
  #takeBack(slot: Slot): void {
    if (slot.keeper !== PRIMARY) return;
    this.#options.native.detach(slot.engine);
    slot.keeper = undefined;
  }

  /** Finds new keepers for the engines that a dead worker kept, or gives them to their own workers. */
  #passOn(dead: Slot): void {
    for (const slot of this.#slots) {
      if (slot.keeper !== dead) continue;
      slot.keeper = undefined;
      this.#settle(slot);
    }
  }
}
