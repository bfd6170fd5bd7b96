/**
 * Connections of a pool to its endpoint: plain TCP, or TLS as the service's BackendTLSPolicy says.
 *
 * Invariant: a TLS socket is handed over when its handshake is complete and its certificate was found good, unless the
 * policy asks for no verification; no session is resumed, so every connection is verified. A connect that nobody waits for
 * any more ends soon: undici itself cannot be stopped while it connects. Worker thread.
 */
import { createRequire } from 'node:module';
import { connect, type Socket } from 'node:net';
import { type PeerTls, peerOptions } from '@sluice/shared/tls/trust';
import type { buildConnector } from 'undici';
import { handshakeFailure } from './upstream-failure.js';

const require = createRequire(import.meta.url);
/** As undici's own connector has it. */
const KEEP_ALIVE_MS = 60_000;
/** The limits of requests go first. */
const GRACE_MS = 100;

export interface ConnectTarget {
  readonly address: string;
  readonly port: number;
  /** null: plain TCP. */
  readonly peer: PeerTls | null;
  /** How long a connect that begins now may take, TCP and TLS together. */
  readonly timeoutMs: () => number;
}

/** For a pool whose origin is http:// : undici would go by the request's Host as server name otherwise. */
export function createConnector({ address, port, peer, timeoutMs }: ConnectTarget): buildConnector.connector {
  const open = peer === null ? () => connect({ host: address, port }) : secureOpener(address, port, peer);
  return (_where, told) => {
    const socket = open();
    let connected = false;
    const onError = (error: Error): void => {
      clearTimeout(timer);
      told(connected ? handshakeFailure(error) : error, null);
    };
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error('connecting took too long'), { code: 'UND_ERR_CONNECT_TIMEOUT' }));
    }, timeoutMs() + GRACE_MS);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.once('error', onError);
    // What follows an error is of no interest: an end behind a TLS alert would hide it.
    socket.on('error', () => socket.destroy());
    socket.once('connect', () => {
      connected = peer !== null;
    });
    socket.once(peer === null ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', onError);
      told(null, socket);
    });
  };
}

function secureOpener(address: string, port: number, peer: PeerTls): () => Socket {
  const tls = require('node:tls') as typeof import('node:tls');
  const options = { host: address, port, ...peerOptions(peer), ALPNProtocols: ['http/1.1'] };
  return () => tls.connect(options);
}
