/** Backends that harm who asks them: every probe ends in bounded time, in words, and leaves nothing behind. */

import type { ProbeCheck } from '@sluice/shared/snapshot/service-policy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { ask, grpcCheck, httpCheck, verdict, websocketCheck } from '../support/probe-ask.js';
import { ProbeProcess } from '../support/probe-process.js';
import {
  drips,
  http2Frame,
  onHead,
  pour,
  pours,
  resetsAfter,
  says,
  switching,
  upgrades,
} from '../support/probe-scripts.js';
import { ProbeServer, type Script, withServer } from '../support/probe-server.js';
import { openDescriptors, residentBytes } from '../support/process-stats.js';
import { MEMORY_FACTOR } from '../support/sanitizer.js';

const HTTP = httpCheck();
const WEBSOCKET = websocketCheck({ ping: true });
const GRPC = grpcCheck();
/** Only who waits for the end of time has little of it: a flood is to be ended by its limit, on a slow machine too. */
const patience = (why: string) => ({ timeoutMs: why.endsWith('500ms') ? 500 : 20_000 });

const OK = 'HTTP/1.1 200 OK\r\n';
const SETTINGS = http2Frame(4, 0, 0);
const garbage = Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 151 + 7) & 0xff));

/** Node sends a FIN in front of its reset; which of the two the prober hears of is a matter of time. */
const gone = (why: string) => why.replace(/connection (?:reset|closed)/, 'connection gone');

/** What a backend does, to which probe, and what that probe says of it. */
const CASES: readonly (readonly [name: string, check: ProbeCheck, script: Script, why: string])[] = [
  ['an endless field', HTTP, pours(`${OK}X-Long: `, 'x'.repeat(1024)), 'GET /: the head of the answer is too large'],
  ['endless fields', HTTP, pours(OK, 'X-Many: 1\r\n'), 'GET /: the head of the answer is too large'],
  ['an endless reason', HTTP, pours('HTTP/1.1 200 ', 'x'.repeat(1024)), 'GET /: the head of the answer is too large'],
  ['an endless body', HTTP, pours(`${OK}\r\n`, garbage), ''],
  ['endless chunks', HTTP, pours(`${OK}Transfer-Encoding: chunked\r\n\r\n`, '1\r\nx\r\n'), ''],
  [
    'interim answers without end',
    HTTP,
    pours('', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'),
    'GET /: more than 8 interim answers (1xx)',
  ],
  ['garbage', HTTP, says(garbage), 'GET /: the answer is not HTTP/1.1'],
  ['one byte at a time', HTTP, drips(`${OK}X-Drip: `, 20), 'GET /: no answer within 500ms'],
  [
    'a reset at once',
    HTTP,
    (socket) => socket.once('data', () => socket.resetAndDestroy()),
    'GET /: connection gone before an answer',
  ],
  ['a reset within the head', HTTP, resetsAfter(`${OK}X-`), 'GET /: connection gone before an answer'],
  [
    'an end within the head',
    HTTP,
    (socket) => onHead(socket, () => socket.end(`${OK}X-`)),
    'GET /: connection gone before an answer',
  ],
  ['an end at once', HTTP, (socket) => socket.resume().end(), 'GET /: connection gone before an answer'],

  [
    'an endless field',
    WEBSOCKET,
    pours('HTTP/1.1 101 Yes\r\nX-Long: ', 'x'.repeat(1024)),
    'WebSocket /: the head of the answer is too large',
  ],
  [
    'interim answers without end',
    WEBSOCKET,
    pours('', 'HTTP/1.1 100 Continue\r\n\r\n'),
    'WebSocket /: more than 8 interim answers (1xx)',
  ],
  ['garbage', WEBSOCKET, says(garbage), 'WebSocket /: the answer is not HTTP/1.1'],
  ['one byte at a time', WEBSOCKET, drips('HTTP/1.1 101 Yes\r\nX-Drip: ', 20), 'WebSocket /: no answer within 500ms'],
  [
    'a reset within the head',
    WEBSOCKET,
    resetsAfter('HTTP/1.1 101 Yes\r\n'),
    'WebSocket /: connection gone before an answer',
  ],
  [
    'a reset behind the 101',
    WEBSOCKET,
    upgrades((socket) => setImmediate(() => socket.resetAndDestroy())),
    'WebSocket /: connection gone before a pong',
  ],
  [
    'an end behind the 101',
    WEBSOCKET,
    upgrades((socket) => socket.end()),
    'WebSocket /: connection gone before a pong',
  ],
  [
    'garbage behind the 101',
    WEBSOCKET,
    upgrades(() => undefined, '\xff\xff\xff\xff'),
    'WebSocket /: a frame has reserved bits set',
  ],
  [
    'a frame of 2^62 bytes',
    WEBSOCKET,
    upgrades(() => undefined, '\x82\x7f\x40\0\0\0\0\0\0\0'),
    'WebSocket /: a frame has an impossible length',
  ],
  [
    'a huge frame that drips',
    WEBSOCKET,
    upgrades(() => undefined, '\x82\x7f\0\0\x10\0\0\0\0\0xx'),
    'WebSocket /: no pong within 500ms',
  ],
  [
    'a huge frame at full speed',
    WEBSOCKET,
    upgrades((socket) => pour(socket, Buffer.alloc(65_536)), '\x82\x7f\0\0\x10\0\0\0\0\0'),
    'WebSocket /: no pong within 16 MiB',
  ],
  [
    'messages without end',
    WEBSOCKET,
    upgrades((socket) => pour(socket, Buffer.from('\x81\x01x'.repeat(1000), 'latin1'))),
    'WebSocket /: no pong within 10000 frames',
  ],
  [
    'pings without end',
    WEBSOCKET,
    upgrades((socket) => {
      socket.pause();
      pour(socket, Buffer.from('\x89\0'.repeat(1000), 'latin1'));
    }),
    'WebSocket /: no pong within 10000 frames',
  ],

  [
    'silence behind the settings',
    GRPC,
    (socket) => socket.once('data', () => socket.write(SETTINGS)),
    'gRPC Health/Check: no answer within 500ms',
  ],
  [
    'garbage',
    GRPC,
    (socket) => socket.once('data', () => socket.write(garbage)),
    'gRPC Health/Check: the answer is not well-formed HTTP/2',
  ],
  ['one byte at a time', GRPC, drips(SETTINGS.toString('latin1'), 20), 'gRPC Health/Check: no answer within 500ms'],
  [
    'pings without end',
    GRPC,
    (socket) =>
      socket.once('data', () => {
        socket.write(SETTINGS);
        pour(socket, http2Frame(6, 0, 0, Buffer.alloc(8)));
      }),
    'gRPC Health/Check: more than 64 pings and settings before an answer',
  ],
  [
    'settings without end',
    GRPC,
    (socket) => socket.once('data', () => pour(socket, SETTINGS)),
    'gRPC Health/Check: more than 64 pings and settings before an answer',
  ],
  [
    'a reset',
    GRPC,
    (socket) => socket.once('data', () => socket.resetAndDestroy()),
    'gRPC Health/Check: connection gone before an answer',
  ],
  [
    'an end',
    GRPC,
    (socket) => socket.once('data', () => socket.end(SETTINGS)),
    'gRPC Health/Check: connection gone before an answer',
  ],
  [
    'a head that goes on and on',
    GRPC,
    (socket) =>
      socket.once('data', () => {
        socket.write(Buffer.concat([SETTINGS, http2Frame(1, 0, 1, Buffer.from([0x88]))]));
        pour(socket, http2Frame(9, 0, 1, Buffer.alloc(16_000)));
      }),
    'gRPC Health/Check: the answer is not well-formed HTTP/2',
  ],
];

describe('each alone', () => {
  test.each(CASES)('%s', async (_name, check, script, why) => {
    await withServer(script, async (server) => {
      const first = await ask(server, check, patience(why));
      expect(gone(first.why)).toBe(why === '' ? '' : `probe ${why}`);
      // Equal failures have equal words, or each would look like news.
      expect(gone(await verdict(server, check, patience(why)))).toBe(gone(first.why));
      await server.deserted();
    });
  });
});

test('a verdict stands whatever comes behind it', async () => {
  const after: Script[] = [
    upgrades((socket) => pour(socket, garbage)),
    upgrades(() => undefined, '\xff\xff'),
    upgrades((socket) => setImmediate(() => socket.resetAndDestroy())),
    (socket) => onHead(socket, (head) => socket.end(switching(head))),
  ];
  for (const script of after) {
    await withServer(script, async (server) => {
      expect(await verdict(server, websocketCheck())).toBe('');
      await server.deserted();
    });
  }
});

describe('a prober of its own', () => {
  let prober: ProbeProcess;
  beforeAll(() => {
    prober = new ProbeProcess();
  });
  afterAll(() => prober.close());

  test('keeps no descriptor and little memory over all of them at once', async () => {
    const servers = await Promise.all(CASES.map(([, , script]) => ProbeServer.start(script)));
    const all = () =>
      Promise.all(
        CASES.map(([, check, , why], index) => prober.ask(servers[index] as ProbeServer, check, patience(why))),
      );
    try {
      await all();
      const descriptors = openDescriptors(prober.pid);
      const resident = residentBytes(prober.pid);
      for (let round = 0; round < 3; round += 1) {
        const results = await all();
        expect(results.map(({ healthy }) => healthy)).toEqual(CASES.map(([, , , why]) => why === ''));
      }
      await eventually(() => expect(openDescriptors(prober.pid)).toBeLessThanOrEqual(descriptors));
      // 16 MiB of each flood are read; kept they would be hundreds.
      expect(residentBytes(prober.pid) - resident).toBeLessThan(100 * 1024 * 1024 * MEMORY_FACTOR);
    } finally {
      await Promise.all(servers.map((server) => server.close()));
    }
  });

  test('that stood still for longer than the timeout does not hold it against the endpoint', async () => {
    let answer: (() => void) | undefined;
    const script: Script = (socket) =>
      onHead(socket, () => {
        answer = () => socket.write(`${OK}\r\n`);
      });
    await withServer(script, async (server) => {
      const asked = prober.ask(server, HTTP, { timeoutMs: 3_000 });
      await eventually(() => expect(answer).toBeDefined());
      prober.signal('SIGSTOP');
      const resumeAt = performance.now() + 3_500;
      await eventually(() => expect(performance.now()).toBeGreaterThan(resumeAt), { budgetMs: 10_000 });
      prober.signal('SIGCONT');
      // Only now: not even the answer was there when time would have been up.
      answer?.();
      expect((await asked).why).toBe('');
    });
  });
});

test('a prober that is out of descriptors learns nothing of the endpoint, and goes on when it has some again', async () => {
  const prober = new ProbeProcess({}, 64);
  try {
    await withServer(
      (socket) => socket.resume(),
      async (server) => {
        const asked = Array.from({ length: 80 }, () => prober.ask(server, HTTP, { timeoutMs: 2_000 }));
        const results = await Promise.all(asked);
        const inconclusive = results.filter((result) => result.inconclusive === true);
        expect(inconclusive.length).toBeGreaterThan(0);
        expect(new Set(inconclusive.map(({ why }) => why))).toEqual(
          new Set(['probe GET /: this process is out of descriptors']),
        );
        const others = results.filter((result) => result.inconclusive !== true);
        expect(new Set(others.map(({ why }) => why))).toEqual(new Set(['probe GET /: no answer within 2s']));
        expect((await prober.ask(server, { type: 'tcp' })).why).toBe('');
      },
    );
  } finally {
    await prober.close();
  }
});
