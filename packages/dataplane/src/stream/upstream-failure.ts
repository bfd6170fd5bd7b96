/**
 * What an error of undici says: which stage of the attempt failed, and how, in the engine's words, so that handshakes and
 * plain requests are judged, retried and answered alike. Pure.
 */
import { FailedCode, FailedStage } from '../engine/binding.js';
import { type Refusal, refuse } from '../policy/refusal.js';

export interface UpstreamFailure {
  readonly stage: FailedStage;
  readonly code: FailedCode;
}

/** This machine's own: no descriptor, no port, no memory. */
const LOCAL = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM', 'EACCES', 'EPERM']);
/** Our doing: the pool was ended. */
const OWN = new Set(['UND_ERR_CLOSED', 'UND_ERR_DESTROYED']);

/** `started`: the endpoint had taken the connection. */
export function upstreamFailure(error: Error, started: boolean): UpstreamFailure {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (!started) {
    const stage = FailedStage.connect;
    if (LOCAL.has(code) || OWN.has(code)) return { stage, code: FailedCode.local };
    return { stage, code: code === 'UND_ERR_CONNECT_TIMEOUT' ? FailedCode.timeout : FailedCode.errno };
  }
  const stage = FailedStage.response;
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return { stage, code: FailedCode.tooLarge };
  return { stage, code: FailedCode.reset };
}

/** The endpoint answered with what is no answer: nothing that another try would mend. undefined: it is not that. */
export function answerFault(error: Error): Refusal | undefined {
  if (!('code' in error) || typeof error.code !== 'string') return undefined;
  if (error.code.startsWith('HPE_')) return refuse('upstream-malformed');
  const unasked = error.code === 'UND_ERR_SOCKET' && error.message === 'bad upgrade';
  return unasked ? refuse('upstream-bad-upgrade', 'nobody had asked for an upgrade') : undefined;
}
