/**
 * A process for the deaths of threads that drive engines: `attachment-main.js DEATH`.
 * Its main thread accepts and checks; it prints what it saw as one JSON line and ends by itself, so that an abort, a
 * thread that does not end or a handle that stays open is seen as its exit status or as its never ending.
 */
import { EngineState, loadNative } from '@sluice/dataplane/engine/binding';
import { readStats } from '@sluice/dataplane/engine/stats';
import { Driver, echoes, listenFor } from './attachment-driver.js';
import { descriptorsOver, type Ended, OPTIONS } from './attachment-thread.js';
import { type Death, SIGNAL } from './attachment-worker-task.js';
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

const NEW_CLIENTS = 6;

const native = loadNative();

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
  const to = listenFor(native, 0);
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
