/**
 * A process in which the main thread counts and orders what another thread's engine does: meters in shared memory, ends
 * of an endpoint's connections. Prints what it saw as one JSON line and ends by itself.
 */
import { type EngineIndex, EngineState, loadNative, METER_FIELDS } from '@sluice/dataplane/engine/binding';
import { readStats } from '@sluice/dataplane/engine/stats';
import { Driver, echoes, listenFor } from './attachment-driver.js';
import { OPTIONS } from './attachment-thread.js';
import { EchoBackend } from './echo-backend.js';
import { eventually } from './eventually.js';
import { upgradeHead } from './heads.js';
import { RawClient } from './raw-client.js';

/** A group's meters by name, those that are 0 left out. */
export type Counted = Readonly<Record<string, number>>;
export interface OrdersSeen {
  /** Codes of calls with arguments that make no sense. */
  readonly refused: readonly string[];
  /** Groups 0, the listener's, the dialled one: with streams open, in a keeper's hands, and at the end. */
  readonly open: readonly Counted[];
  readonly kept: readonly Counted[];
  readonly closed: readonly Counted[];
  readonly echoes: readonly boolean[];
}

const GROUPS = 3;
const LISTENER = 1;
const DIALLED = { slot: 5, group: 2, owner: 0 };
const native = loadNative();
const names = [...METER_FIELDS, ...native.closeReasons()];

/** Nothing but the shared memory stays in JavaScript: the engine keeps what it counts in. */
function giveMeters(engine: EngineIndex): () => readonly Counted[] {
  const memory = new SharedArrayBuffer(8 * names.length * GROUPS);
  native.engineSetMeters(engine, new BigUint64Array(memory));
  return () => {
    const cells = new BigUint64Array(memory);
    return Array.from({ length: GROUPS }, (_, group) => {
      const values = names.map(
        (name, index) => [name, Number(Atomics.load(cells, group * names.length + index))] as const,
      );
      return Object.fromEntries(values.filter(([, value]) => value > 0));
    });
  };
}

function codeOf(call: () => void): string {
  try {
    call();
    return 'taken';
  } catch (error) {
    return `${(error as NodeJS.ErrnoException).code}`;
  }
}

/** Calls that must be refused, on an engine that nothing has been done with. */
function refusals(engine: EngineIndex): readonly string[] {
  return [
    codeOf(() => native.engineSetMeters(engine, new BigUint64Array(names.length + 1))),
    codeOf(() => native.engineSetMeters(engine, new BigUint64Array(0))),
    codeOf(() => native.engineSetMeters(engine, new Float64Array(names.length) as unknown as BigUint64Array)),
    codeOf(() => native.engineEndEndpoint(engine, 0, 'no reason', 0, 0)),
    codeOf(() => native.engineEndEndpoint(engine, 0, 'endpoint-removed', -1, 0)),
    codeOf(() => native.engineEndEndpoint(engine, 0, 'endpoint-removed', 0, Number.NaN)),
    codeOf(() => native.engineEndEndpoint(engine, 0xffff_ffff, 'endpoint-removed', 0, 0)),
    codeOf(() => native.engineEndEndpoint(engine, 0, 'endpoint-removed', Number.POSITIVE_INFINITY, 0)),
    codeOf(() => native.engineKeepEndpoint(engine, 0)),
    codeOf(() => native.engineKeepEndpoint(engine, 1)),
    codeOf(() => native.engineKeepEndpoint(256, 0)),
  ];
}

async function seeOrders(): Promise<OrdersSeen> {
  const backend = await EchoBackend.start({ record: false });
  const to = listenFor(native, LISTENER);
  const engine = native.engineCreate(OPTIONS);
  const refused = refusals(engine);
  const counted = giveMeters(engine);
  const worker = await new Driver(engine, backend.port, 'throw', true, DIALLED).attached();
  const inUse = codeOf(() => giveMeters(engine));

  const aborted = await RawClient.connect(to);
  await aborted.write('GET /');
  aborted.destroy();
  const first = await RawClient.upgrade(to);
  const second = await RawClient.upgrade(to);
  const echoed = [await echoes(first), await echoes(second)];
  await eventually(() => {
    const { closed, bytesDown } = readStats(native, engine);
    if (closed < 1 || bytesDown < 8) throw new Error(`${closed} closed, ${bytesDown} bytes of echoes are counted`);
  });
  const open = counted();

  native.engineEndEndpoint(engine, DIALLED.slot + 1, 'endpoint-removed', 0, 0);
  native.engineEndEndpoint(engine, DIALLED.slot, 'endpoint-unhealthy', 0, 100);
  await Promise.all([first.outcome(), second.outcome()]);
  native.engineKeepEndpoint(engine, DIALLED.slot);

  const third = await RawClient.upgrade(to);
  const last = await RawClient.connect(to);
  await last.write(upgradeHead({ target: '/die' }));
  await worker.ended;
  await last.outcome();
  native.engineEndEndpoint(engine, DIALLED.slot, 'endpoint-draining', 0x7fff_ffff, 0);
  native.adopt(engine);
  echoed.push(await echoes(third), readStats(native, engine).state === EngineState.dead);
  const kept = counted();
  native.engineEndEndpoint(engine, DIALLED.slot, 'endpoint-draining', 0, 0);
  await third.outcome();
  for (const client of [first, second, third, last]) client.destroy();
  await eventually(() => {
    if (readStats(native, engine).active > 0) throw new Error('connections are left');
  });
  native.detach(engine);
  native.acceptClose();
  await backend.close();
  return { refused: [...refused, inUse], open, kept, closed: counted(), echoes: echoed };
}

console.log(JSON.stringify(await seeOrders()));
