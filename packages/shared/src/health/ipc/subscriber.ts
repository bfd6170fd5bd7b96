/**
 * The subscriber's end of the health bus over the IPC channel of a child process. The child may be replaced: a new one is
 * seeded with the last table, and what it says first is taken whatever its epoch. Thread: whichever started the child.
 */
import type { Logger } from '../../log.js';
import type { BusListener, BusSubscriber } from '../bus.js';
import { monotonicMs } from '../clock.js';
import { messageToTable, parseMessage, tableToMessage } from '../table-codec.js';
import { FeedSubscriber, TableFeed, WATCH_INTERVAL_MS } from '../table-feed.js';
import type { Request } from './requests.js';

/** What a subscriber needs of a ChildProcess. */
export interface ChildChannel {
  readonly connected: boolean;
  send(message: Request, callback: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
  off(event: 'message', listener: (message: unknown) => void): unknown;
  off(event: 'disconnect', listener: () => void): unknown;
}

export interface IpcSubscriber extends BusSubscriber {
  /** Listens to this child from now on, and to no other. Sends it the last table. Before or after `start`. */
  attach(child: ChildChannel): void;
  /** Listens to none. The last table stays, and becomes stale. */
  detach(): void;
}

/** A daemon that has said nothing after so long is seeded once more: it may not have been listening yet. */
const SEED_AGAIN_MS = 3_000;
const NO_CHILD = 'no health daemon is running';

class ChildSubscriber extends FeedSubscriber implements IpcSubscriber {
  #child: ChildChannel | null = null;
  /** No table has come from this child yet: its first one counts, whatever its epoch. */
  #first = true;
  #reading = false;
  #seededAt = 0;
  /** A request is still on its way out: a child that does not read gets no second one. */
  #underWay = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #onMessage = (message: unknown): void => this.#take(message);
  readonly #onDisconnect = (): void => this.detach();

  constructor(log: Logger) {
    super(new TableFeed(log, monotonicMs()));
    this.feed.transport(NO_CHILD);
  }

  override start(listener: BusListener): void {
    this.feed.start(listener);
    this.#timer = setInterval(() => this.#watch(), WATCH_INTERVAL_MS);
  }

  attach(child: ChildChannel): void {
    if (this.#child !== null) this.detach();
    this.#child = child;
    this.#first = true;
    this.#reading = false;
    this.#underWay = false;
    this.feed.transport(child.connected ? '' : NO_CHILD);
    child.on('message', this.#onMessage);
    child.on('disconnect', this.#onDisconnect);
    this.#seed();
  }

  detach(): void {
    const child = this.#child;
    if (child === null) return;
    child.off('message', this.#onMessage);
    child.off('disconnect', this.#onDisconnect);
    this.#child = null;
    this.feed.stats.reconnects += 1;
    this.feed.transport(NO_CHILD);
  }

  override async close(): Promise<void> {
    clearInterval(this.#timer);
    this.detach();
  }

  #take(value: unknown): void {
    // The daemon says other things on this channel too; they are not the bus's.
    const message = parseMessage(value);
    if (message === null) return;
    if (message.type === 'table') {
      if (this.#first || this.#reading) this.feed.replace(messageToTable(message));
      this.#first = false;
      this.#reading = false;
    }
    if (!this.#first && this.feed.receive(message, monotonicMs())) this.#read();
  }

  #watch(): void {
    const now = monotonicMs();
    if (this.#first && now - this.#seededAt > SEED_AGAIN_MS) this.#seed();
    // There is nothing to connect anew: whoever started the child starts another. It may still have lost its place.
    if (this.feed.watch(now)) {
      this.#reading = false;
      this.#read();
    }
  }

  #seed(): void {
    const { table } = this.feed;
    this.#seededAt = monotonicMs();
    this.#send({ type: 'seed', table: table === null ? null : tableToMessage(table) });
  }

  #read(): void {
    if (this.#reading || !this.#send({ type: 'read' })) return;
    this.#reading = true;
    this.feed.stats.rereads += 1;
  }

  /** Whether it is sent. A channel that ends meanwhile says so by its `disconnect`. */
  #send(request: Request): boolean {
    const child = this.#child;
    if (child?.connected !== true || this.#underWay) return false;
    this.#underWay = true;
    child.send(request, () => {
      if (child === this.#child) this.#underWay = false;
    });
    return true;
  }
}

export function createIpcSubscriber(log: Logger): IpcSubscriber {
  return new ChildSubscriber(log);
}
