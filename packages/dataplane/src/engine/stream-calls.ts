/**
 * The engine's calls for clients of the stream path, with the engine that this thread drives. Arguments are our own and
 * within their types; a stale id is `false`. Worker thread.
 */
import type { StreamCalls } from '../stream/scene.js';
import type { EngineIndex, Native } from './binding.js';

export function createStreamCalls(native: Native, index: EngineIndex): StreamCalls {
  const reasons = native.closeReasons();
  return {
    detachClient: (id, group) => native.detachClient(index, id, group),
    attachClient: (id, fd, bytes) => native.attachClient(index, id, fd, bytes),
    countRequest: (slot, change) => native.countRequest(index, slot, change),
    clientClosed: (id, reason, bytesUp, bytesDown) => native.clientClosed(index, id, reason, bytesUp, bytesDown),
    openClient: (parent, head) => native.openClient(index, parent, head),
    clientFate: (id) => native.clientFate(index, id),
    resetClient: (id) => native.resetClient(index, id),
    closeReason: (code) => reasons[code] ?? '',
    logLine: (line) => native.logLine(index, line),
  };
}
