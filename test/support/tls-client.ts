/** A raw client over TLS: chosen bytes in chosen records, over Node's own TLS. */
import { once } from 'node:events';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { upgradeHead } from './heads.js';
import { type Address, RawClient } from './raw-client.js';

export interface TlsClient {
  readonly socket: TLSSocket;
  readonly client: RawClient;
}

/** Completes a TLS handshake. Throws what the client says of a failed one. */
export async function tlsConnect(to: Address, options: ConnectionOptions): Promise<TlsClient> {
  const halfOpen = { allowHalfOpen: true }; // which the types do not know
  const socket = connect({ host: to.address, port: to.port, ...halfOpen, ...options });
  await once(socket, 'secureConnect');
  return { socket, client: RawClient.over(socket) };
}

/** With a WebSocket handshake behind it. */
export async function tlsUpgrade(to: Address, options: ConnectionOptions): Promise<TlsClient> {
  const connected = await tlsConnect(to, options);
  await connected.client.write(upgradeHead());
  const { status, raw } = await connected.client.readHead();
  if (status === 101) return connected;
  connected.socket.destroy();
  throw new Error(`the handshake was answered with:\n${raw}`);
}

export async function tlsEchoes({ client }: TlsClient, bytes: string | Buffer): Promise<boolean> {
  const sent = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const echoed = client.read(sent.length);
  await client.write(sent);
  return (await echoed).equals(sent);
}
