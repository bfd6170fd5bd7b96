/** What a fault of the echo backend gets to act on: one connection, after its request head has been read. */
import type { Socket } from 'node:net';
import { acceptOf, type Field, head, type ReceivedHead } from './heads.js';

export class Exchange {
  readonly query: URLSearchParams;
  /** Set by a fault that waits for the test. */
  goOn: () => void = () => undefined;

  constructor(
    readonly socket: Socket,
    readonly request: ReceivedHead,
    /** Bytes that came behind the head; they are the first of the stream. */
    readonly rest: Buffer,
    /** Fields that the backend adds to every answer. */
    readonly added: readonly Field[] = [],
  ) {
    this.query = new URL(request.target, 'http://backend').searchParams;
  }

  number(name: string, otherwise: number): number {
    const value = this.query.get(name);
    return value === null ? otherwise : Number(value);
  }

  /** A correct 101 head. Subprotocol: the first that the client offers. Extensions: `?extensions=` as it is. */
  switching(changes: Readonly<Record<string, string | null>> = {}): string {
    const protocol = this.request.one('sec-websocket-protocol')?.split(',')[0]?.trim();
    const extensions = this.query.get('extensions');
    const standard: Field[] = [
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
      ['Sec-WebSocket-Accept', acceptOf(this.request.one('sec-websocket-key') ?? '')],
      ['X-Backend', 'says so'],
    ];
    if (protocol !== undefined) {
      standard.push(['Sec-WebSocket-Protocol', protocol]);
    }
    if (extensions !== null) {
      standard.push(['Sec-WebSocket-Extensions', extensions]);
    }
    const fields = standard.flatMap(([name, value]): Field[] => {
      const chosen = name in changes ? changes[name] : value;
      return chosen === null || chosen === undefined ? [] : [[name, chosen]];
    });
    return head('HTTP/1.1 101 Switching Protocols', [...fields, ...this.added]);
  }

  send(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Puts the stream's first bytes back and echoes everything from then on, half-closes included. */
  echo(): void {
    if (this.rest.length > 0) {
      this.socket.unshift(this.rest);
    }
    this.socket.pipe(this.socket);
  }
}

/** One way to misbehave, chosen by `?fault=<name>` in the request target. */
export type Fault = (exchange: Exchange) => void;
