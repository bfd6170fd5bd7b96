/**
 * A process for the deaths of threads that drive engines: `attachment-main.js DEATH`.
 * Its main thread accepts and checks; it prints what it saw as one JSON line and ends by itself, so that an abort, a
 * thread that does not end or a handle that stays open is seen as its exit status or as its never ending.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type EngineIndex, EngineState, loadNative } from '@sluice/dataplane/engine/binding';
import { readStats } from '@sluice/dataplane/engine/stats';
import { descriptorsOver, type Ended, endOf, OPTIONS } from './attachment-thread.js';
import type { AttachmentTask, Death, FromAttachment, ToAttachment } from './attachment-worker.js';
import { EchoBackend } from './echo-backend.js';
import { eventually } from './eventually.js';
import { upgradeHead } from './heads.js';
import { openDescriptors } from './process-stats.js';
import { type Address, RawClient } from './raw-client.js';

export interface Seen {
  readonly ended: Ended;
  /** The dead engine: its state, sockets that it got after its death, connections that it kept. */
  readonly state: number;
  readonly takenWhenDead: number;
  readonly spliced: number;
  /** What became of the client whose request was being decided. */
  readonly undecidedEnded: boolean;
  readonly echoes: Readonly<Record<'besideIt' | 'adopted' | 'succeeded' | 'newOnSuccessor', boolean>>;
  readonly successorState: number;
  /** Answers to calls with stale ids. */
  readonly staleCalls: number;
  readonly staleTrue: number;
  readonly otherEnds: readonly Ended[];
  readonly descriptorsLeft: number;
}

const HEAP_MAX_MB = 24;
const NEW_CLIENTS = 6;
/** Cells of the memory shared with attachment-worker.ts. */
const SIGNAL = { dying: 0, goOn: 1 } as const;

const native = loadNative();

function listen(): Address {
  const { keepaliveIdleS, keepaliveIntervalS, keepaliveCount, userTimeoutMs } = OPTIONS;
  const keepalive = { keepaliveIdleS, keepaliveIntervalS, keepaliveCount, userTimeoutMs };
  const how = {
    port: 0,
    backlog: 128,
    reusePort: false,
    deferAcceptS: 0,
    tag: 0,
    group: 0,
    logFields: '',
    ...keepalive,
  };
  const { port } = native.listen({ address: '127.0.0.1', ...how });
  native.acceptStart();
  return { address: '127.0.0.1', port };
}

class Driver {
  readonly signals = new Int32Array(new SharedArrayBuffer(8));
  readonly worker: Worker;
  readonly ended: Promise<Ended>;

  constructor(engine: EngineIndex, backendPort: number, death: Death, ready: boolean) {
    const workerData: AttachmentTask = { engine, backendPort, death, signals: this.signals, ready };
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

async function echoes(client: RawClient): Promise<boolean> {
  await client.write('ping');
  return (await client.read(4)).equals(Buffer.from('ping'));
}

async function allEcho(to: Address): Promise<{ clients: RawClient[]; echoed: boolean }> {
  const clients = await Promise.all(Array.from({ length: NEW_CLIENTS }, () => RawClient.upgrade(to)));
  return { clients, echoed: (await Promise.all(clients.map(echoes))).every(Boolean) };
}

async function leave(clients: readonly RawClient[]): Promise<void> {
  for (const client of clients) client.end();
  await Promise.all(clients.map((client) => client.outcome()));
  for (const client of clients) client.destroy();
}

async function seeDeath(death: Death): Promise<Seen> {
  const backend = await EchoBackend.start({ record: false });
  const to = listen();
  const [victim, other] = [native.engineCreate(OPTIONS), native.engineCreate(OPTIONS)];
  const before = openDescriptors(process.pid);

  const dying = await new Driver(victim, backend.port, death, true).attached();
  const beside = await new Driver(other, backend.port, death, false).attached();
  const kept = await RawClient.upgrade(to);
  const undecided = await RawClient.connect(to);
  await undecided.write(upgradeHead({ target: '/die' }));
  await dying.dying();
  beside.tell('ready');
  await eventually(() => {
    if (readStats(native, other).state !== EngineState.ready) throw new Error('the other engine is not ready');
  });

  let early: Driver | undefined;
  if (death === 'loop') await dying.worker.terminate();
  if (death === 'detach-successor-throw') {
    early = await new Driver(victim, backend.port, 'throw', true).attached();
    Atomics.store(dying.signals, SIGNAL.goOn, 1);
    Atomics.notify(dying.signals, SIGNAL.goOn);
  }
  const ended = await dying.ended;
  await undecided.outcome();
  const dead = readStats(native, victim);

  const besideIt = early === undefined ? await allEcho(to) : { clients: [], echoed: true };
  const { opened, queued, spliced } = readStats(native, victim);
  let adopted = true;
  if (early === undefined) {
    native.adopt(victim);
    adopted = await echoes(kept);
    native.detach(victim);
  }
  const successor = early ?? (await new Driver(victim, backend.port, 'throw', true).attached());
  const { state } = readStats(native, victim);
  const succeeded = await echoes(kept);
  const more = await allEcho(to);
  const got = readStats(native, victim).opened - opened;

  await leave([kept, ...besideIt.clients, ...more.clients]);
  undecided.destroy();
  await eventually(() => {
    if (readStats(native, victim).active + readStats(native, other).active > 0) throw new Error('connections are left');
  });
  const answers = [...(await successor.stale()), ...(await beside.stale())];
  for (const driver of [successor, beside]) driver.tell('stop');
  const otherEnds = await Promise.all([successor.ended, beside.ended]);
  const descriptorsLeft = await descriptorsOver(before);
  native.acceptClose();
  await backend.close();
  return {
    ended,
    state: dead.state,
    takenWhenDead: opened + queued - dead.opened - dead.queued,
    spliced,
    undecidedEnded: undecided.ended,
    echoes: { besideIt: besideIt.echoed, adopted, succeeded, newOnSuccessor: more.echoed && got > 0 },
    successorState: state,
    staleCalls: answers.length,
    staleTrue: answers.filter(Boolean).length,
    otherEnds,
    descriptorsLeft,
  };
}

console.log(JSON.stringify(await seeDeath(process.argv[2] as Death)));
