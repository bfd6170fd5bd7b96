/** Streams of HTTP/2 with prior knowledge, by Node's client: how they flow beside each other, and how each ends alone. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { HttpBackend } from '../support/http-backend.js';
import { ask, sessionsOf } from '../support/http2-client.js';
import { sharedGateway } from '../support/scenario.js';

const MIB = 1024 * 1024;
const running = sharedGateway(
  async () => ({ http: await HttpBackend.start() }),
  ({ http }) => ({
    flags: { 'stream-idle-timeout': '2' },
    config: { gatewayAnnotations: { 'sluice.dev/h2c': 'on' }, services: { http: [http] } },
  }),
);
const session = sessionsOf(running);

test('large bodies pass both ways, as they are', async () => {
  const body = Buffer.alloc(3 * MIB, 'abcdefghijklmnopqrstuvwxyz');
  const answer = await ask(session(), { ':path': '/mirror', ':method': 'POST' }, body);
  expect(answer.body.equals(body)).toBe(true);
});

test('server-sent events flow at once, and a stream that is read slowly holds up no other', async () => {
  const { backends } = running();
  const client = session();
  const slow = client.request({ ':path': '/large' });
  slow.on('error', () => {});
  await once(slow, 'response'); // and nothing of it is read
  const events = client.request({ ':path': '/events' });
  events.on('error', () => {});
  await once(events, 'response');
  const response = await backends.http.answering('/events');
  for (const text of ['data: 1\n\n', 'data: 2\n\n']) {
    response.write(text);
    const [chunk] = await once(events, 'data');
    expect(String(chunk)).toBe(text);
  }
  expect((await ask(client, { ':path': '/echo' })).headers[':status']).toBe(200);
  slow.close();
  events.close();
});

test('what a client does not read stays with the backends, and what a backend does not read with the client', async () => {
  const { gateway, backends } = running();
  const client = session();
  await ask(client, { ':path': '/echo' });
  const before = gateway.residentBytes();
  const unread = Array.from({ length: 30 }, () => client.request({ ':path': '/large' }));
  const body = Buffer.alloc(64 * MIB);
  const upload = client.request({ ':path': '/stall?upload', ':method': 'POST' });
  let taken = false;
  upload.write(body, (error) => {
    taken = error === undefined || error === null;
  });
  for (const stream of [...unread, upload]) stream.on('error', () => {});
  await Promise.all(unread.map((stream) => once(stream, 'response')));
  const { socket } = (await backends.http.answering('/stall')).req;
  let read = -1;
  await eventually(
    () => {
      const last = read;
      read = socket.bytesRead;
      expect(read).toBe(last);
    },
    { successes: 20 },
  );
  expect(gateway.residentBytes() - before).toBeLessThan(64 * MIB);
  expect(taken).toBe(false);
  expect((await ask(client, { ':path': '/empty' })).headers[':status']).toBe(204);
});

test('an answer that comes before the body has ended ends the stream without an error', async () => {
  const client = session();
  const stream = client.request({ ':path': '/early', ':method': 'POST' });
  stream.on('error', () => {});
  stream.write('the rest never comes');
  const [headers] = await once(stream, 'response');
  expect(headers[':status']).toBe(413);
  let text = '';
  stream.on('data', (chunk) => {
    text += String(chunk);
  });
  await once(stream, 'close');
  expect([text, stream.rstCode]).toEqual(['too much', 0]);
  expect((await ask(client, { ':path': '/echo' })).headers[':status']).toBe(200);
});

test('an answer that the backend cuts short is reset, never ended', async () => {
  const client = session();
  const { headers, code } = await ask(client, { ':path': '/cut' });
  expect([headers[':status'], code]).toEqual([200, 2]);
  const record = await running().gateway.accessLog.record({ trackingId: String(headers['x-request-id']) });
  expect(record).toMatchObject({ closeReason: 'relay-truncated' });
  expect((await ask(client, { ':path': '/echo' })).headers[':status']).toBe(200);
});

test('a stream that its client resets ends at the backend too, and no other one does', async () => {
  const { gateway, backends } = running();
  const client = session();
  const stall = client.request({ ':path': '/stall' });
  stall.on('error', () => {});
  const events = client.request({ ':path': '/events' });
  events.on('error', () => {});
  await once(events, 'response');
  await backends.http.answering('/stall');
  stall.close(8);
  await eventually(() => expect(backends.http.aborted.has('/stall')).toBe(true));
  expect(await gateway.accessLog.record({ requestUri: '/stall' })).toMatchObject({ closeReason: 'client-aborted' });
  (await backends.http.answering('/events')).write('data: on\n\n');
  await once(events, 'data');
  client.destroy();
  await eventually(() => expect(backends.http.aborted.has('/events')).toBe(true));
});

test('a stream on which nothing passes is reset, and the connection goes on', async () => {
  const client = session();
  const { headers, code } = await ask(client, { ':path': '/events' });
  expect([headers[':status'], code]).toEqual([200, 2]);
  const record = await running().gateway.accessLog.record({ trackingId: String(headers['x-request-id']) });
  expect(record).toMatchObject({ closeReason: 'idle-timeout' });
  expect((await ask(client, { ':path': '/echo' })).headers[':status']).toBe(200);
});
