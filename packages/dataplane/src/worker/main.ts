/**
 * A worker: Piscina's task, which drives one engine until it is told to stop.
 *
 * Nothing is attached before the primary says so (a predecessor's engine may still be in another worker's hands). The
 * thread writes to no descriptor: what it has to say goes over its port. `stop` lets go of every engine, closes the
 * port and ends the task. Worker thread.
 */

import type { MessagePort } from 'node:worker_threads';
import { openBoard, type StatusBoard } from '@sluice/shared/health/board';
import { type EngineIndex, loadNative, type Native } from '../engine/binding.js';
import { attachEngine, type Engine } from '../engine/engine.js';
import { createStreamCalls } from '../engine/stream-calls.js';
import { EndpointSets } from '../policy/endpoints.js';
import { StreamPath } from '../stream/stream-path.js';
import { createErrorReport } from './error-report.js';
import { injectFault } from './faults.js';
import { Handshakes } from './handshake.js';
import { type ConfigurationParts, type HandshakeContext, openConfiguration } from './handshake-context.js';
import { createNoticeReport } from './handshake-notices.js';
import type { ToPrimary, ToWorker, WorkerTask } from './messages.js';
import { openMeters } from './meter-cells.js';
import { createHandshakeMeters, watchLag } from './meters.js';

function createContext(task: WorkerTask, { endpoints, board }: ConfigurationParts): HandshakeContext {
  const { limits, accessLog } = task;
  return {
    limits,
    accessLog,
    endpoints,
    board,
    meters: createHandshakeMeters(task.meters),
    random: Math.random,
    onError: createErrorReport(task.port),
    onNotice: createNoticeReport(task.port),
  };
}

/** What the worker holds while it runs. */
class Worker {
  readonly #native: Native;
  readonly #task: WorkerTask;
  readonly #port: MessagePort;
  readonly #endpoints: EndpointSets;
  readonly #board: StatusBoard;
  readonly #parts: ConfigurationParts;
  readonly #handshakes: Handshakes;
  readonly #stream: StreamPath;
  readonly #adopted = new Set<EngineIndex>();
  readonly #stopped: () => void;
  readonly #endLagWatch: () => void;
  #engine: Engine | undefined;

  constructor(native: Native, task: WorkerTask, stopped: () => void) {
    this.#native = native;
    this.#task = task;
    this.#port = task.port;
    this.#stopped = stopped;
    this.#endpoints = new EndpointSets(task.endpoints);
    this.#board = openBoard(task.board.buffer, task.board.capacity, task.board.columns);
    this.#parts = { endpoints: this.#endpoints, board: this.#board, worker: task.worker };
    const context = createContext(task, this.#parts);
    const configuration = openConfiguration(task, this.#parts);
    this.#stream = new StreamPath({ context, calls: createStreamCalls(native, task.engine), configuration });
    if (task.draining) this.#stream.drain();
    this.#handshakes = new Handshakes({ ...context, stream: this.#stream }, configuration);
    this.#endLagWatch = watchLag(openMeters(task.meters).lagUs);
  }

  start(): void {
    this.#port.on('message', (message: ToWorker) => this.#onMessage(message));
    this.#tell({ type: 'booted' });
  }

  #tell(message: ToPrimary): void {
    this.#port.postMessage(message);
  }

  #onMessage(message: ToWorker): void {
    if (message.type === 'attach') this.#attach();
    else if (message.type === 'adopt') this.#adopt(message.engine);
    else if (message.type === 'release') this.#release(message.engine);
    else if (message.type === 'membership') this.#update(message);
    else if (message.type === 'snapshot') this.#configure(message);
    else if (message.type === 'drain') this.#stream.drain();
    else if (message.type === 'end') this.#stream.endings.end(message);
    else if (message.type === 'keep') this.#stream.endings.keep(message);
    else if (message.type === 'fault') injectFault(message.fault);
    else this.#stop();
  }

  #attach(): void {
    const { engine: index, worker } = this.#task;
    const engine = attachEngine(this.#native, index, (event) => this.#handshakes.handle(engine, event));
    this.#engine = engine;
    this.#native.setActiveColumn(index, this.#board.column(worker));
    this.#native.ready(index);
    this.#tell({ type: 'ready' });
  }

  #adopt(engine: EngineIndex): void {
    let error = '';
    try {
      this.#native.adopt(engine);
      this.#adopted.add(engine);
    } catch (cause) {
      error = cause instanceof Error ? cause.message : String(cause);
    }
    this.#tell({ type: 'adopted', engine, error });
  }

  #release(engine: EngineIndex): void {
    if (this.#adopted.delete(engine)) this.#native.detach(engine);
    this.#tell({ type: 'released', engine });
  }

  #update({ services, gone, revision }: Extract<ToWorker, { type: 'membership' }>): void {
    this.#endpoints.update(services, gone);
    this.#stream.keepEndpoints(this.#endpoints.names());
    this.#tell({ type: 'membership-seen', revision });
  }

  #configure(told: Extract<ToWorker, { type: 'snapshot' }>): void {
    const configuration = openConfiguration(told, this.#parts);
    this.#handshakes.update(configuration);
    this.#stream.update(configuration);
    this.#tell({ type: 'snapshot-seen', revision: told.revision });
  }

  #stop(): void {
    this.#stream.close();
    for (const engine of this.#adopted) this.#native.detach(engine);
    this.#adopted.clear();
    if (this.#engine !== undefined) this.#native.detach(this.#engine.index);
    this.#engine = undefined;
    this.#endLagWatch();
    this.#port.close();
    this.#stopped();
  }
}

export default function run(task: WorkerTask): Promise<void> {
  return new Promise((resolve) => {
    new Worker(loadNative(), task, resolve).start();
  });
}
