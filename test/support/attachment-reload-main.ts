/**
 * A process whose main thread does to a worker's engine what a reload does: listeners come, change and go, an owner's
 * connections end. Prints what it saw as one JSON line and ends by itself.
 */
import { type EngineIndex, loadNative, METER_FIELDS } from '@sluice/dataplane/engine/binding';
import { readStats } from '@sluice/dataplane/engine/stats';
import { Driver, echoes, listenFor, listenOn } from './attachment-driver.js';
import { OPTIONS } from './attachment-thread.js';
import { EchoBackend } from './echo-backend.js';
import { eventually } from './eventually.js';
import { type Address, RawClient } from './raw-client.js';

export interface ReloadSeen {
  /** What calls said that name a closed listener, or none. */
  readonly closed: readonly string[];
  /** What calls said that name no owner, or no reason. */
  readonly refused: readonly string[];
  /** Of streams through both listeners, before and after one is closed. */
  readonly echoes: readonly boolean[];
  /** Connecting to the closed one. */
  readonly dialled: string;
  /** Of the records of silent clients: before and after the listener got another identity. */
  readonly records: readonly string[];
  /** Connections that ended with their owner. */
  readonly ended: number;
}

const GROUP = 2;
const OWNER = 0xffff_fff0;
const GROUPS = 3;
const native = loadNative();
const names = [...METER_FIELDS, ...native.closeReasons()];

function said(call: () => unknown): string {
  try {
    return `${call()}`;
  } catch (error) {
    return `${(error as NodeJS.ErrnoException).code}`;
  }
}

async function settled(engine: EngineIndex, active: number): Promise<void> {
  await eventually(() => {
    const stats = readStats(native, engine);
    if (stats.active !== active) throw new Error(`${stats.active} connections are active, not ${active}`);
  });
}

function namedIn(engine: EngineIndex): string[] {
  const buffer = Buffer.alloc(65_536);
  const lines = buffer.toString('latin1', 0, native.logRead(engine, buffer)).split('\n').slice(0, -1);
  return lines.flatMap((line) => (JSON.parse(line) as { by?: string }).by ?? []);
}

/** Two silent clients of a listener that gets another identity in between: each is logged under its own. */
async function seeIdentities(engine: EngineIndex, to: Address & { readonly listener: number }): Promise<string[]> {
  namedIn(engine);
  native.listenerIdentify(to.listener, { tag: 0, group: 1, logFields: '"by":"before"' });
  const before = await RawClient.connect(to);
  await before.write('G');
  await settled(engine, 3);
  native.listenerIdentify(to.listener, { tag: 0, group: 1, logFields: '"by":"after"' });
  const after = await RawClient.connect(to);
  await after.write('G');
  await settled(engine, 4);
  for (const [client, left] of [[before, 3] as const, [after, 2] as const]) {
    client.destroy();
    await settled(engine, left);
  }
  return namedIn(engine);
}

async function seeReload(): Promise<ReloadSeen> {
  const backend = await EchoBackend.start({ record: false });
  const first = listenFor(native, 1);
  const engine = native.engineCreate({ ...OPTIONS, logRingBytes: 1 << 20 });
  const meters = new BigUint64Array(new SharedArrayBuffer(8 * names.length * GROUPS));
  native.engineSetMeters(engine, meters);
  const worker = await new Driver(engine, backend.port, 'throw', true, {
    slot: 5,
    group: GROUP,
    owner: OWNER,
  }).attached();
  const second = listenOn(native, 1); /* joins what is accepted from already */
  const clients = [await RawClient.upgrade(first), await RawClient.upgrade(second)] as const;
  const echoed = [await echoes(clients[0]), await echoes(clients[1])];
  const records = await seeIdentities(engine, second);
  const closed = [
    said(() => native.listenerClose(second.listener)),
    said(() => native.listenerClose(second.listener)),
    said(() => native.listenerIdentify(second.listener, { tag: 0, group: 0, logFields: '' })),
    said(() => native.listenerClose(second.listener + 1)),
    said(() => native.listenerClose(-1)),
    said(() => native.listenerIdentify(first.listener, { tag: 0, group: 0, logFields: 'x'.repeat(4096) })),
  ];
  const dialled = await RawClient.connect(second).then(
    () => 'connected',
    (error: NodeJS.ErrnoException) => `${error.code}`,
  );
  echoed.push(await echoes(clients[0]), await echoes(clients[1]));
  const refused = [
    said(() => native.engineEndOwner(engine, 0, 'refused', 0, 0)),
    said(() => native.engineEndOwner(engine, OWNER, 'no reason', 0, 0)),
    said(() => native.engineKeepOwner(engine, 0)),
  ];
  native.engineEndOwner(engine, OWNER - 1, 'route-removed', 0, 0);
  echoed.push(await echoes(clients[0]));
  native.engineEndOwner(engine, OWNER, 'route-removed', 0, 0);
  await Promise.all(clients.map((client) => client.outcome()));
  native.engineKeepOwner(engine, OWNER);
  const kept = await RawClient.upgrade(first);
  echoed.push(await echoes(kept));
  for (const client of [...clients, kept]) client.destroy();
  await settled(engine, 0);
  await worker.worker.terminate();
  native.acceptClose();
  await backend.close();
  const ended = Number(meters[GROUP * names.length + names.indexOf('route-removed')]);
  return { closed, refused, echoes: echoed, dialled, records, ended };
}

console.log(JSON.stringify(await seeReload()));
