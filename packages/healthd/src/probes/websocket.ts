/**
 * The WebSocket probe: a real handshake (RFC 6455, 4), if wanted a ping and its pong, then a close with 1000.
 *
 * The verdict stands before the close: a backend that does not answer it is healthy and is left after a second. Nothing but
 * the control frames of the peer is looked at; its pings are answered while it reads. healthd's only thread.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ProbeCheck } from '@sluice/shared/snapshot/service-policy';
import type { PeerTls } from '@sluice/shared/tls/trust';
import { type Attempt, attempt } from './attempt.js';
import { ask } from './head.js';
import type { Probe } from './probe.js';
import { USER_AGENT } from './product.js';
import { namesOf } from './tls.js';
import { closePayload, controlFrame, FrameReader, OPCODE } from './websocket-frames.js';
import { pathWords } from './words.js';

type WebSocketCheck = Extract<ProbeCheck, { type: 'websocket' }>;

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CLOSE_WAIT_MS = 1000;

/** Sec-WebSocket-Accept of a key. */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${GUID}`).digest('base64');
}

/** What is wrong with a 101, as words behind the question; '' when nothing is. */
export function handshakeFault(headers: IncomingMessage['headers'], key: string, subprotocol: string): string {
  if (headers.upgrade?.toLowerCase() !== 'websocket') return "the answer's Upgrade is not websocket";
  if (headers['sec-websocket-accept'] !== acceptOf(key)) return "the answer's Sec-WebSocket-Accept is wrong";
  if (headers['sec-websocket-extensions'] !== undefined) return 'the answer names an extension that was not asked for';
  const chosen = headers['sec-websocket-protocol'] ?? '';
  if (chosen === subprotocol) return '';
  if (subprotocol === '') return 'the answer names a subprotocol that was not asked for';
  return `the answer ${chosen === '' ? 'does not name subprotocol' : 'names another subprotocol, not'} ${subprotocol}`;
}

/** A status other than 101. */
export function refusalWords(status: number): string {
  if (status === 101) return 'answered 101 without Upgrade: websocket and Connection: Upgrade';
  return `answered ${status}${status >= 300 && status <= 399 ? '; a probe follows no redirect' : ''}`;
}

/** What follows the 101. */
class Exchange {
  readonly #payload = randomBytes(8);
  readonly #reader = new FrameReader({ control: (opcode, payload) => this.#onControl(opcode, payload) });
  #pingedAt = 0;
  #closing = false;

  constructor(
    readonly asked: Attempt,
    readonly socket: Socket,
  ) {}

  begin(ping: boolean, behind: Buffer): void {
    if (ping) {
      this.asked.awaited = 'pong';
      this.#pingedAt = performance.now();
      this.#send(OPCODE.ping, this.#payload);
    } else {
      this.#part();
    }
    this.socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    if (behind.length > 0) this.#onData(behind);
    this.socket.resume();
  }

  #onData(chunk: Buffer): void {
    const fault = this.#reader.push(chunk);
    if (fault === '') return;
    // Behind the verdict a broken frame changes nothing; before it, it does.
    if (this.#closing) this.asked.end();
    else this.asked.fail(fault);
  }

  #onControl(opcode: number, payload: Buffer): boolean {
    if (opcode === OPCODE.close) {
      this.#onClose(payload);
      return false;
    }
    if (this.#closing) return true;
    if (opcode === OPCODE.pong && payload.equals(this.#payload)) {
      this.#part(performance.now() - this.#pingedAt);
    } else if (opcode === OPCODE.ping && this.socket.writableLength === 0) {
      // A peer that pings and does not read gets no queue of pongs.
      this.#send(OPCODE.pong, payload);
    }
    return true;
  }

  #onClose(payload: Buffer): void {
    if (this.#closing) {
      this.asked.end();
    } else {
      const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.asked.fail(`closed with ${code} before a pong`);
    }
  }

  #part(pingMs?: number): void {
    this.#closing = true;
    this.asked.decide(pingMs, CLOSE_WAIT_MS);
    this.#send(OPCODE.close, closePayload(1000));
  }

  #send(opcode: number, payload: Buffer): void {
    this.socket.write(controlFrame(opcode, payload, randomBytes(4)));
  }
}

/** The fields of the handshake; `key` is new in each. */
function fieldsOf(check: WebSocketCheck, key: string): [name: string, value: string][] {
  const named = check.headers.some(([name]) => name.toLowerCase() === 'user-agent');
  return [
    ['Host', check.host],
    ...(named ? [] : [['User-Agent', USER_AGENT] as [string, string]]),
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', key],
    ...(check.subprotocol === '' ? [] : [['Sec-WebSocket-Protocol', check.subprotocol] as [string, string]]),
    ...check.headers.map(([name, value]): [string, string] => [name, value]),
  ];
}

export function websocketProbe(check: WebSocketCheck, tls: PeerTls | null): Probe {
  const plan = {
    question: `WebSocket ${pathWords(check.path)}`,
    alpn: 'http/1.1',
    ...namesOf(check.host, tls),
  };
  return (target, probe, signal) =>
    attempt({ ...plan, tls: probe.tls }, target, probe, signal, (asked, socket) => {
      const key = randomBytes(16).toString('base64');
      ask(
        asked,
        socket,
        { path: check.path, headers: fieldsOf(check, key) },
        {
          answered: (status) => asked.answered(refusalWords(status)),
          upgraded: (answer, behind) => {
            const fault = handshakeFault(answer.headers, key, check.subprotocol);
            if (fault !== '') asked.fail(fault);
            else new Exchange(asked, socket).begin(check.ping, behind);
          },
        },
      );
    });
}
