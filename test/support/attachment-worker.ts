/**
 * A worker that drives one engine the way a real one does (dial, splice), and dies in a chosen way inside the engine's
 * callback when a request for /die comes. What it has to say before a death goes through shared memory: a message would
 * be lost with it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type ConnectionId, EventKind, loadNative, RelayMode } from '@sluice/dataplane/engine/binding';
import { attachEngine, type Engine } from '@sluice/dataplane/engine/engine';
import type { EngineEvent } from '@sluice/dataplane/engine/events';
import {
  type AttachmentTask,
  type Death,
  type FromAttachment,
  SIGNAL,
  type ToAttachment,
} from './attachment-worker-task.js';

const task = workerData as AttachmentTask;
const native = loadNative();
const ids = new Set<ConnectionId>();

const deaths: Readonly<Record<Death, () => void>> = {
  throw: () => {
    throw new Error('thrown in the callback');
  },
  exit: () => process.exit(1),
  'exit-busy': () => {
    process.on('exit', () => {
      const until = performance.now() + 500;
      while (performance.now() < until);
    });
    process.exit(1);
  },
  loop: () => {
    for (;;);
  },
  heap: () => {
    const kept: string[][] = [];
    for (;;) kept.push(Array.from({ length: 1_000 }, (_, index) => `kept ${index}`));
  },
  detach: () => {
    native.detach(task.engine);
    parentPort?.close();
  },
  'detach-throw': () => {
    native.detach(task.engine);
    throw new Error('thrown after the detach');
  },
  'detach-successor-throw': () => {
    native.detach(task.engine);
    Atomics.wait(task.signals, SIGNAL.goOn, 0);
    throw new Error('thrown after the successor has attached');
  },
};

function handle(event: EngineEvent): void {
  ids.add(event.id);
  if (event.kind === EventKind.response) {
    engine.splice(event.id, event.head, '', 0, 0, task.dialled.owner);
  } else if (event.kind === EventKind.request) {
    if (event.head.startsWith('GET /die')) {
      Atomics.store(task.signals, SIGNAL.dying, 1);
      deaths[task.death]();
      return;
    }
    const { head } = event;
    const dial = { address: '127.0.0.1', port: task.backendPort, head, tls: 0, ...task.dialled };
    engine.connect(event.id, { ...dial, connectTimeoutMs: 5_000, answerTimeoutMs: 5_000 });
  }
}

/** Every call, with ids of connections that have ended and with ids that never were. */
function callStale(): readonly boolean[] {
  const dial = {
    address: '127.0.0.1',
    port: 1,
    slot: 0,
    head: '\r\n',
    connectTimeoutMs: 1,
    answerTimeoutMs: 1,
    group: 0,
    tls: 0,
  };
  return [...ids, 0, 1, 2 ** 20 - 1, 2 ** 52 - 1].flatMap((id) => [
    engine.connect(id, dial),
    engine.interim(id, '\r\n'),
    engine.splice(id, '\r\n', '', 0, 0, 0),
    engine.relay(id, '\r\n', RelayMode.length, 0, '', 0),
    engine.respond(id, '\r\n', '', 0),
    engine.close(id, 'client-closed', ''),
    engine.logEnded(id, ''),
  ]);
}

parentPort?.on('message', (message: ToAttachment) => {
  if (message === 'ready') native.ready(task.engine);
  else if (message === 'stale') parentPort?.postMessage({ stale: callStale() } satisfies FromAttachment);
  else {
    native.detach(task.engine);
    parentPort?.close();
  }
});

const engine: Engine = attachEngine(native, task.engine, handle);
if (task.ready) native.ready(task.engine);
parentPort?.postMessage({ attached: true } satisfies FromAttachment);
