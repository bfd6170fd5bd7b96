/** Backends that do something wrong, or unusual, before the 101 is complete. */
import type { Exchange, Fault } from '../exchange.js';
import { acceptOf, head } from '../heads.js';

/** `?interim=103,100`: the statuses that come before the 101, each with a field to be passed on. */
function interim(exchange: Exchange): void {
  const statuses = (exchange.query.get('interim') ?? '103').split(',');
  const heads = statuses.map((status) => head(`HTTP/1.1 ${status} Interim`, [['Link', `</${status}>; rel=preload`]]));
  exchange.send(heads.join('') + exchange.switching());
  exchange.echo();
}

/** Interim answers without end, as fast as they are taken. */
function endlessInterim(exchange: Exchange): void {
  const piece = head('HTTP/1.1 103 Early Hints', [['Link', '</style.css>; rel=preload']]).repeat(100);
  const more = () => {
    while (exchange.socket.writable) {
      if (!exchange.socket.write(piece)) {
        exchange.socket.once('drain', more);
        return;
      }
    }
  };
  more();
}

/** One byte of the 101 each `?everyMs=`. */
function slowHead(exchange: Exchange): void {
  const bytes = exchange.switching();
  let sent = 0;
  const timer = setInterval(
    () => {
      exchange.send(bytes.charAt(sent));
      sent += 1;
      if (sent === bytes.length) {
        clearInterval(timer);
        exchange.echo();
      }
    },
    exchange.number('everyMs', 20),
  );
  exchange.socket.on('close', () => clearInterval(timer));
}

/** The 101 cut behind `?at=` bytes; the rest, with the stream's first bytes glued to it, when the test says so. */
function cutHead(exchange: Exchange): void {
  const bytes = `${exchange.switching()}first bytes`;
  const at = exchange.number('at', 1);
  exchange.send(bytes.slice(0, at));
  exchange.goOn = () => {
    exchange.send(bytes.slice(at));
    exchange.echo();
  };
}

/** Faults at odds with RFC 6455 or HTTP: all of them end in 502. */
const wrong101: Readonly<Record<string, Fault>> = {
  'wrong-accept': (exchange) => exchange.send(exchange.switching({ 'Sec-WebSocket-Accept': acceptOf('other') })),
  'no-accept': (exchange) => exchange.send(exchange.switching({ 'Sec-WebSocket-Accept': null })),
  'no-upgrade': (exchange) => exchange.send(exchange.switching({ Upgrade: null })),
  'other-upgrade': (exchange) => exchange.send(exchange.switching({ Upgrade: 'h2c' })),
  'no-connection': (exchange) => exchange.send(exchange.switching({ Connection: null })),
  'http-1.0': (exchange) => exchange.send(exchange.switching().replace('HTTP/1.1', 'HTTP/1.0')),
};

export const handshakeFaults: Readonly<Record<string, Fault>> = {
  ...wrong101,
  interim,
  'endless-interim': endlessInterim,
  'slow-head': slowHead,
  'cut-head': cutHead,
  silent: () => undefined,
  garbage: (exchange) => exchange.send('\x16\x03\x01 this is not HTTP\r\n\r\n'),
  'bare-lf': (exchange) => exchange.send(exchange.switching().replaceAll('\r\n', '\n')),
  'huge-head': (exchange) =>
    exchange.send(head('HTTP/1.1 200 OK', [['X-Huge', 'x'.repeat(exchange.number('size', 100_000))]])),
  'endless-head': (exchange) =>
    exchange.send(`HTTP/1.1 200 OK\r\nX-Huge: ${'x'.repeat(exchange.number('size', 100_000))}`),
  'two-framings': (exchange) =>
    exchange.send(
      head('HTTP/1.1 200 OK', [
        ['Content-Length', '3'],
        ['Transfer-Encoding', 'chunked'],
      ]),
    ),
  'partial-head': (exchange) => {
    exchange.send(exchange.switching().slice(0, 40));
    exchange.socket.end();
  },
  'close-before-answer': (exchange) => {
    exchange.socket.end();
  },
  'reset-before-answer': (exchange) => {
    exchange.socket.resetAndDestroy();
  },
};
