/**
 * Requests that a proxy and a backend could cut at different places: refused as the first request of a connection, by the
 * gateway's own parser, and as a later one, by Node's or by the gateway's; never a second request at the backend.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { readAnswer } from '../support/answer.js';
import { HttpBackend } from '../support/http-backend.js';
import { RawClient } from '../support/raw-client.js';
import { sharedGateway } from '../support/scenario.js';

const running = sharedGateway(
  async () => ({ http: await HttpBackend.start() }),
  ({ http }) => ({ config: { services: { http: [http] } } }),
);
afterEach(() => running().backends.http.closeIdle());

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const CHUNKED = `0\r\n\r\n${SMUGGLED}`;
const cases: readonly (readonly [string, string])[] = [
  ['both framings', `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`],
  [
    'both, in the other order',
    `POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${CHUNKED}`,
  ],
  ['two lengths', `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 36\r\n\r\n${SMUGGLED}`],
  ['one length twice', `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n${SMUGGLED}`],
  ['a list of lengths', `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 36\r\n\r\n${SMUGGLED}`],
  ['a signed length', `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n${SMUGGLED}`],
  ['a hexadecimal length', `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0x0\r\n\r\n${SMUGGLED}`],
  ['a length of no digits', `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n${SMUGGLED}`],
  [
    'a length too large for a number',
    `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n${SMUGGLED}`,
  ],
  ['another coding', `POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n${CHUNKED}`],
  ['a coding in front of chunked', `POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n${CHUNKED}`],
  ['a coding behind chunked', `POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n${CHUNKED}`],
  [
    'chunked twice',
    `POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
  ],
  [
    'two codings',
    `POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
  ],
  ['a coding in quotes', `POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "chunked"\r\n\r\n${CHUNKED}`],
  ['a space before the colon', `POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n${CHUNKED}`],
  ['a folded field', `POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n${CHUNKED}`],
  ['a vertical tab in the value', `POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n${CHUNKED}`],
  [
    'chunked in HTTP/1.0',
    `POST /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
  ],
  ['a bare LF behind a field', `POST /x HTTP/1.1\r\nHost: a\nContent-Length: 36\r\n\r\n${SMUGGLED}`],
  ['a bare LF behind the request line', `POST /x HTTP/1.1\nHost: a\r\nContent-Length: 36\r\n\r\n${SMUGGLED}`],
  ['a bare CR in a value', `POST /x HTTP/1.1\r\nHost: a\r\nX: a\rContent-Length: 36\r\n\r\n${SMUGGLED}`],
  ['NUL in a value', `POST /x HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n${SMUGGLED}`],
  ['NUL in a name', `POST /x HTTP/1.1\r\nHost: a\r\nContent\0-Length: 36\r\n\r\n${SMUGGLED}`],
  ['two Hosts', `GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${SMUGGLED}`],
  ['no Host', `GET /x HTTP/1.1\r\nX: a\r\n\r\n${SMUGGLED}`],
  ['a target of another host', `GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}`],
  ['a space in the target', `GET /x /y HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}`],
  ['an encoded slash', `GET /x%2fy HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}`],
  ['CONNECT', `CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n${SMUGGLED}`],
  ['TRACE', `TRACE /x HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}`],
  ['the preface of HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${SMUGGLED}`],
];

/** Everything that the gateway says, to the end; a reset in the place of an answer is an end too. */
async function said(client: RawClient): Promise<string> {
  await client.outcome();
  return client.buffered.toString('latin1');
}

function refused(text: string): void {
  if (text !== '') {
    expect(text).toMatch(/^HTTP\/1\.1 (400|404|405|501|505) /);
  }
  expect(text.match(/^HTTP\/1\.1 /gm)?.length ?? 0).toBeLessThanOrEqual(1);
}

describe.each(cases)('%s', (_name, bytes) => {
  test('as a first request', async () => {
    const { gateway, backends } = running();
    const before = backends.http.requests;
    const client = await RawClient.connect(gateway);
    await client.write(bytes);
    const text = await said(client);
    expect(text).not.toBe('');
    refused(text);
    expect(backends.http.requests).toBe(before);
    client.destroy();
  });

  test('on a kept-alive connection', async () => {
    const { gateway, backends } = running();
    const client = await RawClient.connect(gateway);
    await client.write('GET /echo HTTP/1.1\r\nHost: a\r\n\r\n');
    await readAnswer(client);
    const before = backends.http.requests;
    await client.write(bytes);
    refused(await said(client));
    expect(backends.http.requests).toBe(before);
    client.destroy();
  });
});

test.each([
  ['a chunk size with a sign', '+3\r\nabc\r\n0\r\n\r\n'],
  ['a chunk size that is none', 'zz\r\nabc\r\n0\r\n\r\n'],
  ['a chunk that is longer than it says', '1\r\nabc\r\n0\r\n\r\n'],
  ['a bare LF behind a chunk size', '3\nabc\r\n0\r\n\r\n'],
])('a body with %s ends the connection, and the request at the backend', async (_name, body) => {
  const { gateway, backends } = running();
  const client = await RawClient.connect(gateway);
  await client.write('POST /mirror?bad HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n');
  await backends.http.answering('/mirror');
  await client.write(body + SMUGGLED);
  const text = await said(client);
  expect(text).not.toContain('/smuggled');
  client.destroy();
});
