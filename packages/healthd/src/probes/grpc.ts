/**
 * The gRPC probe: grpc.health.v1.Health/Check over HTTP/2, healthy when the answer is SERVING and its status OK.
 *
 * Clear text by prior knowledge, TLS by ALPN. The session carries this one call and is closed with it. Bounded: an answer of
 * 1 KiB, 8 interim answers, 64 pings and settings of the peer; what is not read is held back by the window of the stream.
 * healthd's only thread.
 */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ProbeCheck } from '@sluice/shared/snapshot/service-policy';
import type { PeerTls } from '@sluice/shared/tls/trust';
import { type Attempt, attempt } from './attempt.js';
import { encodeCheckRequest, GRPC_STATUS, readAnswer } from './grpc-message.js';
import type { Probe } from './probe.js';
import { USER_AGENT } from './product.js';
import { namesOf } from './tls.js';

type GrpcCheck = Extract<ProbeCheck, { type: 'grpc' }>;

const PATH = '/grpc.health.v1.Health/Check';
const ANSWER_BYTES_MAX = 1024;
const INTERIM_MAX = 8;
const CONTROL_FRAMES_MAX = 64;
/** The field grpc-timeout has 8 digits at most. */
const GRPC_TIMEOUT_MAX_MS = 99_999_999;

/** What a grpc-status other than OK means to who set up the probe. */
export function statusWords(code: string, service: string): string {
  const name = /^\d{1,2}$/.test(code) ? GRPC_STATUS[Number(code)] : undefined;
  if (name === undefined) return 'answered an unknown grpc-status';
  if (name === 'UNIMPLEMENTED') return 'answered UNIMPLEMENTED; the server has no grpc.health.v1.Health';
  if (name === 'NOT_FOUND') return `answered NOT_FOUND; the server does not know the service "${service}"`;
  return `answered ${name}`;
}

/** An error of the socket keeps its own words. */
function failWith(asked: Attempt, error: NodeJS.ErrnoException): void {
  const { code = '' } = error;
  if (code === 'ERR_HTTP2_STREAM_ERROR') asked.fail('the server ended the call with an error of HTTP/2');
  else if (code === 'ERR_HTTP2_STREAM_CANCEL') asked.fail('connection closed before an answer');
  else if (code.startsWith('ERR_HTTP2_')) asked.fail('the answer is not well-formed HTTP/2');
  else asked.failWith(error);
}

/** One call: collects its parts, judges when the stream has ended. */
class Call {
  readonly #parts: Buffer[] = [];
  #bytes = 0;
  #interim = 0;
  #status: string | undefined;

  constructor(
    readonly asked: Attempt,
    readonly stream: ClientHttp2Stream,
    readonly check: GrpcCheck,
  ) {
    stream.on('error', (error) => failWith(asked, error));
    stream.on('headers', () => this.#onInterim());
    stream.on('response', (headers) => this.#onHead(headers));
    stream.on('data', (part: Buffer) => this.#onData(part));
    stream.on('trailers', (trailers) => this.#readStatus(trailers));
    stream.on('end', () => this.#judge());
    stream.on('close', () => asked.fail('the call ended before an answer'));
    stream.end(encodeCheckRequest(check.service));
  }

  #onInterim(): void {
    this.#interim += 1;
    if (this.#interim > INTERIM_MAX) this.asked.fail(`more than ${INTERIM_MAX} interim answers (1xx)`);
  }

  #onHead(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    this.#readStatus(headers);
    if (headers[':status'] !== 200) {
      this.asked.answered(`answered HTTP ${headers[':status'] ?? 0}; a gRPC server answers 200`);
    } else if (!/^application\/grpc(?:$|[+;])/.test(headers['content-type'] ?? '')) {
      this.asked.fail('the answer is not gRPC');
    }
  }

  #onData(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > ANSWER_BYTES_MAX) {
      this.asked.fail(`the answer is larger than ${ANSWER_BYTES_MAX} bytes`);
    } else {
      this.#parts.push(part);
    }
  }

  #readStatus(headers: IncomingHttpHeaders): void {
    const status = headers['grpc-status'];
    if (typeof status === 'string') this.#status = status;
  }

  #judge(): void {
    if (this.#status === undefined) {
      this.asked.fail('the answer has no grpc-status');
    } else if (this.#status !== '0') {
      this.asked.answered(statusWords(this.#status, this.check.service));
    } else {
      const answer = readAnswer(Buffer.concat(this.#parts));
      if ('fault' in answer) this.asked.fail(answer.fault);
      else if (answer.status === 'SERVING') this.asked.pass();
      else this.asked.answered(`answered ${answer.status}`);
    }
  }
}

function openSession(asked: Attempt, socket: Socket): ClientHttp2Session {
  const session = connect('http://endpoint', {
    createConnection: () => socket,
    settings: { enablePush: false, maxHeaderListSize: 16 * 1024 },
    maxHeaderListPairs: 64,
    maxSessionMemory: 1,
    maxReservedRemoteStreams: 0,
  });
  let control = 0;
  const count = () => {
    control += 1;
    if (control > CONTROL_FRAMES_MAX) asked.fail(`more than ${CONTROL_FRAMES_MAX} pings and settings before an answer`);
  };
  session.on('error', (error) => failWith(asked, error));
  session.on('goaway', (code) => {
    if (code !== 0) asked.fail(`the server closed the session with the error ${code} of HTTP/2`);
  });
  session.on('ping', count);
  session.on('remoteSettings', count);
  asked.release = () => session.destroy();
  return session;
}

export function grpcProbe(check: GrpcCheck, tls: PeerTls | null): Probe {
  const question = check.service === '' ? 'gRPC Health/Check' : `gRPC Health/Check of ${check.service}`;
  const plan = { question, alpn: 'h2', ...namesOf(check.authority, tls) };
  return (target, probe, signal) =>
    attempt({ ...plan, tls: probe.tls }, target, probe, signal, (asked, socket) => {
      if (probe.tls && (socket as TLSSocket).alpnProtocol !== 'h2') {
        asked.fail('TLS: the server did not choose HTTP/2 (ALPN h2)');
        return;
      }
      const stream = openSession(asked, socket).request(
        {
          ':method': 'POST',
          ':scheme': probe.tls ? 'https' : 'http',
          ':authority': check.authority,
          ':path': PATH,
          'content-type': 'application/grpc',
          te: 'trailers',
          'user-agent': USER_AGENT,
          'grpc-timeout': `${Math.min(Math.max(1, Math.ceil(asked.leftMs)), GRPC_TIMEOUT_MAX_MS)}m`,
        },
        { endStream: false },
      );
      new Call(asked, stream, check);
    });
}
