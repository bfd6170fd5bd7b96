/**
 * Proves that a target is a correct WebSocket proxy before any number of it counts: a random key whose accept value is
 * computed here, then text, binary, 16 KiB and 64 KiB messages, whose echoes must be equal byte for byte, then the
 * closing handshake. Written against node:net and node:tls alone, so that it shares no code with the load generator. Over TLS the
 * certificate, the version, the cipher and the group must be those of the run.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectSecure, type TLSSocket } from 'node:tls';
import { cipherOf, group, type TlsTerms } from './certificate.js';

const opcodes = { text: 1, binary: 2, close: 8 };

/** A client frame, masked (RFC 6455 section 5.2). */
function frame(opcode: number, payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const length =
    payload.length < 126 ? Buffer.from([0x80 | payload.length]) : Buffer.alloc(payload.length < 65536 ? 3 : 9);
  if (length.length === 3) {
    length[0] = 0x80 | 126;
    length.writeUInt16BE(payload.length, 1);
  } else if (length.length === 9) {
    length[0] = 0x80 | 127;
    length.writeBigUInt64BE(BigInt(payload.length), 1);
  }
  const masked = payload.map((byte, index) => byte ^ (mask[index & 3] ?? 0));
  return Buffer.concat([Buffer.from([0x80 | opcode]), length, mask, masked]);
}

/** The same frame as the server sends it: unmasked. */
function expectedEcho(opcode: number, payload: Buffer): Buffer {
  const masked = frame(opcode, payload);
  const header = masked.subarray(0, masked.length - payload.length - 4);
  const unmasked = Buffer.concat([header, payload]);
  unmasked[1] = (unmasked[1] ?? 0) & 0x7f;
  return unmasked;
}

/** Takes exact lengths from a stream of chunks. */
class Reader {
  #have = Buffer.alloc(0);
  readonly #chunks: AsyncIterator<Buffer>;

  constructor(socket: Socket) {
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer for five seconds')));
    this.#chunks = socket[Symbol.asyncIterator]();
  }

  /** The next bytes, as many as `lengthOf` says once it says more than 0. */
  async take(lengthOf: (bytes: Buffer) => number): Promise<Buffer> {
    for (;;) {
      const length = lengthOf(this.#have);
      if (length > 0) {
        const taken = this.#have.subarray(0, length);
        this.#have = this.#have.subarray(length);
        return taken;
      }
      const next = await this.#chunks.next();
      if (next.done) throw new Error('the connection ended early');
      this.#have = Buffer.concat([this.#have, next.value]);
    }
  }
}

async function upgrade(socket: Socket, reader: Reader): Promise<void> {
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET /proof HTTP/1.1\r\nHost: bench.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  const end = (bytes: Buffer) => (bytes.includes('\r\n\r\n') ? bytes.indexOf('\r\n\r\n') + 4 : 0);
  const head = (await reader.take(end)).toString();
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const given = /^sec-websocket-accept:[ \t]*(\S+)/im.exec(head)?.[1];
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`answered "${head.split('\r\n')[0]}" to the upgrade`);
  if (given !== accept) throw new Error(`Sec-WebSocket-Accept is ${given}, should be ${accept}`);
}

async function echo(socket: Socket, reader: Reader, opcode: number, payload: Buffer): Promise<void> {
  const expected = expectedEcho(opcode, payload);
  socket.write(frame(opcode, payload));
  const answer = await reader.take((bytes) => (bytes.length >= expected.length ? expected.length : 0));
  if (!answer.equals(expected)) throw new Error(`the echo of ${payload.length} bytes differs from what was sent`);
}

/** What the load offers (native/stream.c), to what must come of it. @throws Error naming what differs. */
async function connectAs(port: number, terms: TlsTerms): Promise<TLSSocket> {
  const version = `TLSv${terms.version}` as const;
  const socket = connectSecure({
    port,
    host: '127.0.0.1',
    servername: 'bench.example.com',
    ca: terms.certificate,
    minVersion: version,
    maxVersion: version,
    ciphers: cipherOf(terms),
    ecdhCurve: group,
    ALPNProtocols: ['http/1.1'],
  });
  await once(socket, 'secureConnect');
  const key = socket.getEphemeralKeyInfo();
  const given = [
    socket.getProtocol(),
    socket.getCipher().name,
    key !== null && 'name' in key ? key.name : 'no group',
    socket.getPeerX509Certificate()?.toString().trim(),
  ];
  const due = [version, cipherOf(terms), group, terms.certificate.trim()];
  const wrong = due.findIndex((value, index) => value !== given[index]);
  if (wrong >= 0) throw new Error(`negotiated ${given[wrong]} where ${due[wrong]} was due`);
  return socket;
}

async function connectPlain(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** @throws Error that says what the target got wrong. */
export async function prove(name: string, port: number, terms?: TlsTerms): Promise<void> {
  let socket: Socket | undefined;
  try {
    socket = terms === undefined ? await connectPlain(port) : await connectAs(port, terms);
    const reader = new Reader(socket);
    await upgrade(socket, reader);
    await echo(socket, reader, opcodes.text, Buffer.from('grüße aus der schleuse', 'utf8'));
    for (const size of [0, 125, 126, 16 * 1024, 64 * 1024, 1024 * 1024]) {
      await echo(socket, reader, opcodes.binary, randomBytes(size));
    }
    await echo(socket, reader, opcodes.close, Buffer.from([0x03, 0xe8]));
  } catch (error) {
    const over = terms === undefined ? '' : ' over TLS';
    throw new Error(
      `${name} is no correct WebSocket proxy${over}: ${error instanceof Error ? error.message : String(error)}`,
    );
  } finally {
    socket?.destroy();
  }
}
