/** The gRPC probe against a server by node:http2 and against raw ones. */
import { once } from 'node:events';
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { grpcCheck, verdict } from '../support/probe-ask.js';
import { says } from '../support/probe-scripts.js';
import { withServer } from '../support/probe-server.js';

type Answer = (stream: ServerHttp2Stream, request: Buffer) => void;

let server: Http2Server;
let to: AddressInfo;
let answer: Answer;
let asked: IncomingHttpHeaders;
const sessions = new Set<ServerHttp2Session>();

/** Answers with the message's bytes behind their prefix, and a grpc-status. */
const replies =
  (message: readonly number[], status = '0'): Answer =>
  (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
    stream.end(Buffer.from([0, 0, 0, 0, message.length, ...message]));
  };

/** Answers with a head alone, as gRPC servers do for errors. */
const refuses =
  (status: string): Answer =>
  (stream) =>
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status }, { endStream: true });

beforeEach(async () => {
  server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    asked = headers;
    const parts: Buffer[] = [];
    stream.on('error', () => undefined);
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => answer(stream, Buffer.concat(parts)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  to = server.address() as AddressInfo;
});
afterEach(async () => {
  await eventually(() => expect(sessions.size).toBe(0));
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

test('SERVING is healthy, and the call is that of the health protocol', async () => {
  let request: Buffer = Buffer.alloc(0);
  answer = (stream, bytes) => {
    request = bytes;
    replies([8, 1])(stream, bytes);
  };
  expect(await verdict(to, { type: 'grpc', authority: 'chat.example:50051', service: 'chat.Rooms' })).toBe('');
  expect(asked).toMatchObject({
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Check',
    ':scheme': 'http',
    ':authority': 'chat.example:50051',
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': expect.stringMatching(/^sluice-healthd\//),
    'grpc-timeout': expect.stringMatching(/^\d{1,8}m$/),
  });
  expect(request.toString('latin1')).toBe('\0\0\0\0\x0c\n\x0achat.Rooms');
});

describe('every other answer is unhealthy, in words', () => {
  test.each<[string, Answer]>([
    ['probe gRPC Health/Check of chat answered UNKNOWN', replies([])],
    ['probe gRPC Health/Check of chat answered NOT_SERVING', replies([8, 2])],
    ['probe gRPC Health/Check of chat answered SERVICE_UNKNOWN', replies([8, 3])],
    ['probe gRPC Health/Check of chat answered UNAVAILABLE', replies([8, 1], '14')],
    ['probe gRPC Health/Check of chat answered UNIMPLEMENTED; the server has no grpc.health.v1.Health', refuses('12')],
    ['probe gRPC Health/Check of chat answered NOT_FOUND; the server does not know the service "chat"', refuses('5')],
    ['probe gRPC Health/Check of chat answered an unknown grpc-status', refuses('x')],
    [
      'probe gRPC Health/Check of chat answered HTTP 404; a gRPC server answers 200',
      (stream) => stream.respond({ ':status': 404 }, { endStream: true }),
    ],
    [
      'probe gRPC Health/Check of chat: the answer is not gRPC',
      (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'text/html' });
        stream.end('hello');
      },
    ],
    [
      'probe gRPC Health/Check of chat: the answer has no grpc-status',
      (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
        stream.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
      },
    ],
    ['probe gRPC Health/Check of chat: the answer is not a HealthCheckResponse', replies([8])],
    [
      'probe gRPC Health/Check of chat: the answer is larger than 1024 bytes',
      (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
        stream.write(Buffer.alloc(1_000_000));
      },
    ],
    ['probe gRPC Health/Check of chat: the server ended the call with an error of HTTP/2', (stream) => stream.close(2)],
    [
      'probe gRPC Health/Check of chat: more than 8 interim answers (1xx)',
      (stream) => {
        for (let count = 0; count < 100; count += 1) stream.additionalHeaders({ ':status': 103 });
      },
    ],
  ])('%s', async (why, given) => {
    answer = given;
    expect(await verdict(to, grpcCheck('chat'))).toBe(why);
  });
});

test('SERVING without the end of the call is no answer', async () => {
  answer = (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
    stream.write(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
  };
  expect(await verdict(to, grpcCheck(), { timeoutMs: 300 })).toBe('probe gRPC Health/Check: no answer within 300ms');
});

test('a server of HTTP/1.1', async () => {
  await withServer(says('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'), async (raw) => {
    expect(await verdict(raw, grpcCheck())).toBe('probe gRPC Health/Check: the answer is not well-formed HTTP/2');
  });
});
