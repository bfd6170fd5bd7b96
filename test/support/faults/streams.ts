/** Backends that do something wrong, or unusual, once the 101 has been sent. */
import type { Exchange, Fault } from '../exchange.js';
import { pattern, patternSlice } from '../pattern.js';

/** Sends `?size=` bytes of the pattern, as fast as they are taken, then goes on echoing. */
function flood(exchange: Exchange): void {
  const size = exchange.number('size', 1_000_000);
  let sent = 0;
  const more = () => {
    while (sent < size) {
      const piece = patternSlice(sent, size - sent);
      sent += piece.length;
      if (!exchange.socket.write(piece)) {
        exchange.socket.once('drain', more);
        return;
      }
    }
    exchange.socket.end();
  };
  exchange.send(exchange.switching());
  exchange.socket.resume();
  more();
}

export const streamFaults: Readonly<Record<string, Fault>> = {
  flood,
  /** Stream bytes glued to the 101 in one segment: `?size=` of the pattern. */
  'early-data': (exchange) => {
    const early = pattern(exchange.number('size', 11));
    exchange.send(Buffer.concat([Buffer.from(exchange.switching(), 'latin1'), early]));
    exchange.echo();
  },
  'reset-after-101': (exchange) => {
    exchange.socket.write(exchange.switching(), () => exchange.socket.resetAndDestroy());
  },
  /** Resets as soon as the first stream byte has come. */
  'reset-on-data': (exchange) => {
    exchange.send(exchange.switching());
    exchange.socket.once('data', () => exchange.socket.resetAndDestroy());
  },
  'close-on-data': (exchange) => {
    exchange.send(exchange.switching());
    exchange.socket.once('data', () => exchange.socket.end());
    exchange.socket.resume();
  },
  /** Ends its own direction behind `?size=` bytes and goes on reading: what it read is in `received`. */
  'half-close': (exchange) => {
    exchange.send(exchange.switching());
    exchange.socket.resume();
    exchange.socket.end(pattern(exchange.number('size', 100)));
  },
  /** Reads nothing until the test resumes the socket; then counts and checks. */
  'stop-reading': (exchange) => {
    exchange.send(exchange.switching());
    exchange.socket.pause();
  },
  /** Takes everything, says nothing. */
  sink: (exchange) => {
    exchange.send(exchange.switching());
    exchange.socket.resume();
  },
};
