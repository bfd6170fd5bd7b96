/** Reads a whole HTTP/1.1 answer off a raw client, ended by whatever its head says ends it (RFC 9112, section 6.3). */
import type { Field, ReceivedHead } from './heads.js';
import { ReceivedHead as Head } from './heads.js';
import type { RawClient } from './raw-client.js';

export interface Answer {
  readonly head: ReceivedHead;
  readonly body: Buffer;
  readonly trailers: readonly Field[];
}

/** Reads one final answer; interim answers are passed over. */
export async function readAnswer(client: RawClient): Promise<Answer> {
  let head = await client.readHead();
  while (head.status < 200) {
    head = await client.readHead();
  }
  if (head.status === 204 || head.status === 304) {
    return { head, body: Buffer.alloc(0), trailers: [] };
  }
  if (head.one('transfer-encoding')?.toLowerCase() === 'chunked') {
    return { head, ...(await readChunked(client)) };
  }
  const length = head.one('content-length');
  const body = length === undefined ? await client.readToEnd() : await client.read(Number(length));
  return { head, body, trailers: [] };
}

async function readLine(client: RawClient): Promise<string> {
  let line = '';
  while (!line.endsWith('\r\n')) {
    line += (await client.read(1)).toString('latin1');
  }
  return line.slice(0, -2);
}

async function readChunked(client: RawClient): Promise<{ body: Buffer; trailers: readonly Field[] }> {
  const chunks: Buffer[] = [];
  for (;;) {
    const size = Number.parseInt(await readLine(client), 16);
    if (size === 0) {
      break;
    }
    chunks.push(await client.read(size));
    await client.read(2);
  }
  let section = '';
  for (let line = await readLine(client); line !== ''; line = await readLine(client)) {
    section += `${line}\r\n`;
  }
  const trailers = section === '' ? [] : new Head(`trailers\r\n${section}\r\n`).fields;
  return { body: Buffer.concat(chunks), trailers };
}
