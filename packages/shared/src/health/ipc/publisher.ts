/**
 * The publisher's end of the health bus over the IPC channel of a child process: the only daemon, so it leads as soon as
 * its parent has told it the last table (`seed`), until the channel ends.
 *
 * Back-pressure: one message is under way at a time; what changes meanwhile coalesces in the outbox, and a heartbeat that
 * would have to wait is left out. Thread: the child's main thread, which owns the channel.
 */
import type { Logger } from '../../log.js';
import type { BusPublisher, LeadershipEvents } from '../bus.js';
import { Outbox, type Parcel } from '../outbox.js';
import { type BusMessage, HEARTBEAT_INTERVAL_MS, type StatusTable, type TableChange } from '../table.js';
import { heartbeatOf, messageToTable } from '../table-codec.js';
import { parseRequest } from './requests.js';

const COALESCE_MS = 10;

/** What a publisher needs of `process`. */
export interface ParentChannel {
  readonly connected: boolean;
  send?: (message: unknown, callback: (error: Error | null) => void) => boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
  off(event: 'message', listener: (message: unknown) => void): unknown;
  off(event: 'disconnect', listener: () => void): unknown;
}

class IpcPublisher implements BusPublisher {
  readonly #log: Logger;
  readonly #identity: string;
  readonly #channel: ParentChannel;
  readonly #outbox = new Outbox();
  #events: LeadershipEvents | null = null;
  #epoch = 0;
  #sending = false;
  #timer: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  readonly #onMessage = (message: unknown): void => this.#take(message);
  readonly #onDisconnect = (): void => this.#end('the IPC channel to the primary has ended');

  constructor(log: Logger, identity: string, channel: ParentChannel) {
    this.#log = log;
    this.#identity = identity;
    this.#channel = channel;
  }

  get leading(): boolean {
    return this.#epoch > 0;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get unreachable(): string {
    return this.#channel.connected ? '' : 'the IPC channel to the primary has ended';
  }

  start(events: LeadershipEvents): void {
    this.#events = events;
    this.#channel.on('message', this.#onMessage);
    this.#channel.on('disconnect', this.#onDisconnect);
  }

  publish(change: TableChange): void {
    if (!this.leading) return;
    this.#outbox.change(change);
    this.#flushSoon();
  }

  publishTable(services: ReadonlySet<string>, endpoints: StatusTable['endpoints']): void {
    if (!this.leading) return;
    this.#outbox.replace(services, endpoints);
    this.#flushSoon();
  }

  async close(): Promise<void> {
    if (this.leading) this.#flush();
    this.#events = null;
    this.#end('closed');
  }

  #take(message: unknown): void {
    const request = parseRequest(message);
    if (request?.type === 'seed') this.#lead(request.table === null ? null : messageToTable(request.table));
    if (request?.type === 'read' && this.leading) {
      this.#outbox.repeatWhole();
      this.#flushSoon();
    }
  }

  #lead(stored: StatusTable | null): void {
    if (this.leading) return;
    this.#epoch = Math.max(stored?.epoch ?? 0, Date.now()) + 1;
    this.#outbox.begin(stored);
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_INTERVAL_MS);
    this.#tell((events) => events.onElected(stored, this.#epoch));
  }

  #end(reason: string): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#timer);
    this.#channel.off('message', this.#onMessage);
    this.#channel.off('disconnect', this.#onDisconnect);
    if (!this.leading) return;
    this.#epoch = 0;
    this.#tell((events) => events.onDeposed(reason));
  }

  #tell(call: (events: LeadershipEvents) => void): void {
    try {
      if (this.#events !== null) call(this.#events);
    } catch (error) {
      this.#log.error(error, 'the listener for leadership failed');
    }
  }

  #flushSoon(): void {
    if (this.#sending || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#flush(), COALESCE_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#sending || !this.#outbox.pending) return;
    const parcel = this.#outbox.take();
    this.#send(messageOf(parcel, this.#stamp(parcel.version)));
  }

  #beat(): void {
    if (!this.#sending && this.#outbox.version >= 0) this.#send(heartbeatOf(this.#stamp(this.#outbox.version)));
  }

  #send(message: BusMessage): void {
    if (!this.#channel.connected || this.#channel.send === undefined) return;
    this.#sending = true;
    this.#channel.send(message, (error) => {
      this.#sending = false;
      if (error !== null) {
        this.#log.warn({ reason: error.message }, 'could not send to the primary');
        this.#outbox.repeatWhole();
      }
      if (this.leading && this.#outbox.pending) this.#flushSoon();
    });
  }

  #stamp(version: number): Pick<StatusTable, 'epoch' | 'version' | 'timestampMs' | 'publisher'> {
    return { epoch: this.#epoch, version, timestampMs: Date.now(), publisher: this.#identity };
  }
}

function messageOf(
  parcel: Parcel,
  stamp: Pick<StatusTable, 'epoch' | 'version' | 'timestampMs' | 'publisher'>,
): BusMessage {
  if (parcel.change !== null) return { type: 'delta', ...stamp, ...parcel.change };
  return { type: 'table', ...stamp, services: [...parcel.services], endpoints: [...parcel.endpoints] };
}

/** `channel`: this process, which must be a child with an IPC channel. `identity` names this daemon, for people. */
export function createIpcPublisher(log: Logger, identity: string, channel: ParentChannel = process): BusPublisher {
  return new IpcPublisher(log, identity, channel);
}
