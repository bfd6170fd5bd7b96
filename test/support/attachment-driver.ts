/** What the programs about attachments do to their threads: start them, talk to them, use their engines as a client does. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { EngineIndex, Native } from '@sluice/dataplane/engine/binding';
import { type Ended, endOf, OPTIONS } from './attachment-thread.js';
import {
  type AttachmentTask,
  type Death,
  type Dialled,
  type FromAttachment,
  SIGNAL,
  type ToAttachment,
} from './attachment-worker-task.js';
import { eventually } from './eventually.js';
import type { Address, RawClient } from './raw-client.js';

const HEAP_MAX_MB = 24;
/** No slot of a status board, the first metric group, nobody's. */
const NOWHERE: Dialled = { slot: 0xffff_ffff, group: 0, owner: 0 };

/** A port of 127.0.0.1 whose connections begin in this metric group; the listener's number. */
export function listenOn(native: Native, group: number): Address & { readonly listener: number } {
  const { keepaliveIdleS, keepaliveIntervalS, keepaliveCount, userTimeoutMs } = OPTIONS;
  const keepalive = { keepaliveIdleS, keepaliveIntervalS, keepaliveCount, userTimeoutMs };
  const how = {
    port: 0,
    backlog: 128,
    reusePort: false,
    deferAcceptS: 0,
    tag: 0,
    group,
    logFields: '',
    ...keepalive,
  };
  return { address: '127.0.0.1', ...native.listen({ address: '127.0.0.1', ...how }) };
}

/** Likewise, with its sockets being accepted. */
export function listenFor(native: Native, group: number): Address & { readonly listener: number } {
  const to = listenOn(native, group);
  native.acceptStart();
  return to;
}

/** A thread that drives one engine; see attachment-worker.ts. */
export class Driver {
  readonly signals = new Int32Array(new SharedArrayBuffer(8));
  readonly worker: Worker;
  readonly ended: Promise<Ended>;

  constructor(engine: EngineIndex, backendPort: number, death: Death, ready: boolean, dialled: Dialled = NOWHERE) {
    const workerData: AttachmentTask = { engine, backendPort, death, signals: this.signals, ready, dialled };
    const resourceLimits = { maxOldGenerationSizeMb: HEAP_MAX_MB };
    this.worker = new Worker(new URL('./attachment-worker.js', import.meta.url), { workerData, resourceLimits });
    this.ended = endOf(this.worker);
  }

  async attached(): Promise<this> {
    await once(this.worker, 'message');
    return this;
  }

  tell(message: ToAttachment): void {
    this.worker.postMessage(message);
  }

  async stale(): Promise<readonly boolean[]> {
    const answer = once(this.worker, 'message') as Promise<[FromAttachment]>;
    this.tell('stale');
    const [message] = await answer;
    return 'stale' in message ? message.stale : [];
  }

  async dying(): Promise<void> {
    await eventually(() => {
      if (Atomics.load(this.signals, SIGNAL.dying) === 0) throw new Error('the request was not delivered');
    });
  }
}

export async function echoes(client: RawClient): Promise<boolean> {
  await client.write('ping');
  return (await client.read(4)).equals(Buffer.from('ping'));
}
