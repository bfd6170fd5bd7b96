/** Complete answers other than 101: `?fault=answer&status=401&body=length|chunked|eof|endless|none&size=N&pieces=N&twice`. */
import type { Exchange } from '../exchange.js';
import { type Field, head } from '../heads.js';
import { pattern } from '../pattern.js';

type Framing = (exchange: Exchange, start: string, fields: Field[], body: Buffer) => void;

const framings: Readonly<Record<string, Framing>> = {
  /** The connection stays open behind the body: the answer must end by its length alone. */
  length: (exchange, start, fields, body) => {
    exchange.send(head(start, [...fields, ['Content-Length', String(body.length)]]));
    exchange.send(body);
  },
  chunked: (exchange, start, fields, body) => {
    exchange.send(head(start, [...fields, ['Transfer-Encoding', 'chunked'], ['Trailer', 'X-Digest']]));
    const chunkBytes = exchange.number('chunk', 1_000);
    for (let at = 0; at < body.length; at += chunkBytes) {
      const chunk = body.subarray(at, at + chunkBytes);
      exchange.send(`${chunk.length.toString(16)}\r\n`);
      exchange.send(chunk);
      exchange.send('\r\n');
    }
    exchange.send('0\r\nX-Digest: of-the-body\r\n\r\n');
  },
  eof: (exchange, start, fields, body) => {
    exchange.send(head(start, fields));
    exchange.send(body);
    exchange.socket.end();
  },
  /** 204, 304: no body whatever the fields say, and the connection stays open. */
  none: (exchange, start, fields) => exchange.send(head(start, fields)),
  /** The connection stays open, though its end would be the body's. */
  endless: (exchange, start, fields, body) => {
    exchange.send(head(start, fields));
    exchange.send(body);
  },
  /** Promises more than it sends. */
  short: (exchange, start, fields, body) => {
    exchange.send(head(start, [...fields, ['Content-Length', String(body.length + 10)]]));
    exchange.send(body);
    exchange.socket.end();
  },
};

export function answer(exchange: Exchange): void {
  const status = exchange.number('status', 401);
  const framing = framings[exchange.query.get('body') ?? 'length'];
  if (!framing) {
    throw new Error(`no such body: ${exchange.query.get('body')}`);
  }
  const fields: Field[] = [
    ['X-Backend', 'says so'],
    ['WWW-Authenticate', 'Bearer'],
    ['Connection', 'keep-alive'],
    ...(exchange.query.has('twice')
      ? ([
          ['Age', '1'],
          ['Age', '2'],
        ] as const)
      : []),
    ...exchange.added,
  ];
  framing(exchange, `HTTP/1.1 ${status} Answer`, fields, pattern(exchange.number('size', 12)));
}
