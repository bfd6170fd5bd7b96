/**
 * A gateway with short limits for clients that speak HTTP/2 frame by frame. Every client leaves with its test, and with
 * them what the backend has open.
 */
import { afterEach, expect } from 'vitest';
import { EchoBackend } from './echo-backend.js';
import type { Gateway } from './gateway.js';
import { HttpBackend } from './http-backend.js';
import { FrameClient, requestFrame, requestPairs } from './http2-frames.js';
import { sharedGateway } from './scenario.js';

interface FrameGateway {
  readonly running: () => { gateway: Gateway; backends: { http: HttpBackend; echo: EchoBackend } };
  /** A client that has said nothing yet. */
  readonly bare: () => Promise<FrameClient>;
  readonly open: (settings?: Buffer) => Promise<FrameClient>;
  /** Of a client, as records have it; a socket forgets it when it is closed. */
  readonly addressOf: (client: FrameClient) => string;
  /** The connection still serves: a request on this stream has its answer. */
  readonly serves: (client: FrameClient, stream: number) => Promise<void>;
}

function start(): FrameGateway['running'] {
  return sharedGateway(
    async () => ({ http: await HttpBackend.start(), echo: await EchoBackend.start() }),
    ({ http, echo }) => ({
      flags: {
        workers: '1',
        'request-head-timeout': '1s',
        'http-idle-timeout': '2500ms',
        'stream-idle-timeout': '1500ms',
      },
      config: {
        gatewayAnnotations: { 'sluice.dev/h2c': 'on' },
        services: { http: [http], echo: [echo] },
        routes: [
          {
            rules: [
              { prefix: '/unresolved', backends: ['nobody'] },
              { prefix: '/socket', backends: ['echo'] },
              { prefix: '/', backends: ['http'] },
            ],
          },
        ],
      },
    }),
  );
}

export function frameGateway(): FrameGateway {
  const running = start();
  const addresses = new Map<FrameClient, string>();
  const clients: FrameClient[] = [];
  const kept = (client: FrameClient): FrameClient => {
    clients.push(client);
    addresses.set(client, `127.0.0.1:${client.raw.socket.localPort}`);
    return client;
  };
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy();
    running().backends.http.server.closeAllConnections(); // after an abort undici connects anew, unasked
  });
  return {
    running,
    bare: async () => kept(await FrameClient.bare(running().gateway)),
    open: async (settings) => kept(await FrameClient.open(running().gateway, settings)),
    addressOf: (client) => addresses.get(client) ?? '',
    serves: async (client, stream) => {
      await client.send(requestFrame(stream, requestPairs('/echo')));
      const { body } = await client.ofStream(stream);
      expect(JSON.parse(body.toString('latin1'))).toMatchObject({ method: 'GET', url: '/echo' });
    },
  };
}
