/**
 * The TCP probe: an endpoint that accepts a connection is healthy.
 *
 * The connection is closed by a FIN, not reset: a server that accepts it reads an ordinary end of stream, whereas a reset
 * makes `accept` or the first read fail, which many servers log as an error, every few seconds. The price is a TIME_WAIT of
 * ours per probe, a dozen an endpoint at an interval of 5 s. TLS is not begun: the probe is about the connection.
 * healthd's only thread.
 */
import { attempt, type Plan } from './attempt.js';
import type { Probe } from './probe.js';

const PLAN: Plan = { question: 'tcp', serverName: '', certificateFor: '', policy: null, alpn: '', tls: false };

export function tcpProbe(): Probe {
  return (target, probe, signal) =>
    attempt(PLAN, target, probe, signal, (asked, socket) => {
      // With nobody listening on a port of the ephemeral range, a socket of this machine may be given that port and connect to itself.
      if (socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress) {
        asked.fail('connection refused');
      } else {
        asked.pass();
      }
    });
}
