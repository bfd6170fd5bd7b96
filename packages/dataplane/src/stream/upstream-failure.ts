/**
 * What an error of undici, or of TLS on the way to a backend, says: which stage of the attempt failed, and how, in the engine's words, so that handshakes and
 * plain requests are judged, retried and answered alike. Pure.
 */
import { FailedCode, FailedStage } from '../engine/binding.js';
import { type Refusal, refuse } from '../policy/refusal.js';

export interface UpstreamFailure {
  readonly stage: FailedStage;
  readonly code: FailedCode;
  /** Of a TLS handshake: why it failed, in OpenSSL's words; of a connect the kernel's name of the error; else ''. */
  readonly why: string;
}

/** TCP took the connection, TLS failed. */
export class TlsFailure extends Error {
  readonly code = 'SLUICE_BACKEND_TLS';
}

/** The error of a socket, once TCP has connected and before TLS has, in the words that the engine has for it. */
export function handshakeFailure(error: Error): Error {
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  if (syscall !== undefined && code !== 'EPROTO') return error; // the way to the endpoint failed, not TLS
  // Node's words for an end before the handshake's; that is no reset either.
  if (code === 'ECONNRESET') return new TlsFailure('closed during the handshake', { cause: error });
  return new TlsFailure(reasonOf(error), { cause: error });
}

/** OpenSSL's words. */
function reasonOf(error: Error): string {
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
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
    if (error instanceof TlsFailure) return { stage, code: FailedCode.tls, why: error.message };
    if (OWN.has(code)) return { stage, code: FailedCode.local, why: '' };
    if (LOCAL.has(code)) return { stage, code: FailedCode.local, why: code };
    if (code === 'UND_ERR_CONNECT_TIMEOUT') return { stage, code: FailedCode.timeout, why: '' };
    return { stage, code: FailedCode.errno, why: code };
  }
  const stage = FailedStage.response;
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return { stage, code: FailedCode.tooLarge, why: '' };
  // In TLS 1.3 a backend that does not take our certificate says so behind the handshake.
  if (code.startsWith('ERR_SSL_')) return { stage, code: FailedCode.tls, why: reasonOf(error) };
  return { stage, code: FailedCode.reset, why: '' };
}

/** The endpoint answered with what is no answer: nothing that another try would mend. undefined: it is not that. */
export function answerFault(error: Error): Refusal | undefined {
  const code = 'code' in error ? error.code : undefined;
  // Its code is not always there.
  if (error.name === 'HTTPParserError' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
    return refuse('upstream-malformed');
  }
  const unasked = code === 'UND_ERR_SOCKET' && error.message === 'bad upgrade';
  return unasked ? refuse('upstream-bad-upgrade', 'nobody had asked for an upgrade') : undefined;
}
