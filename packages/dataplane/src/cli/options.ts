/**
 * The options of `sluice serve`: the one place where each has its flag, type, range, default, unit and document.
 *
 * Every value comes in as text. Primary thread, at start.
 */
import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { adminOption, configOption, logLevelOption, watchOption } from '@sluice/shared/cli/common-options';
import { bytes, duration, flag, integer, portMap } from '@sluice/shared/cli/option-values';
import { option } from '@sluice/shared/cli/options';
import { redisOptions } from '@sluice/shared/cli/redis-options';
import { z } from 'zod';
import { healthOptions } from './health-options.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
export const optionsSchema = z.strictObject({
  config: configOption(),
  watch: watchOption(),
  workers: option(
    integer(1, 128).prefault(() => String(availableParallelism())),
    'workers',
    'N',
    'Worker threads; default: one per core',
    { variableDefault: true },
  ),
  bind: option(
    z
      .string()
      .refine((text) => isIP(text) !== 0, { error: 'an IP address (127.0.0.1, ::1)' })
      .optional(),
    'bind',
    'ADDR',
    'Address of the listeners; default: every address, IPv6 and IPv4',
  ),
  portMap: option(portMap().prefault(''), 'port-map', 'MAP', 'Ports to bind for declared ports: 80=8080,443=8443'),
  reusePort: option(flag().prefault('false'), 'reuse-port', '', 'Let other processes bind the same ports'),
  deferAcceptS: option(
    integer(0, 3600).prefault('0'),
    'defer-accept',
    'S',
    'Accept when the first bytes are there, seconds; silent clients then get no 408; 0: at once',
  ),
  admin: adminOption('127.0.0.1:9900', 'Admin port: GET /livez, /readyz, /metrics, /backendHealth, /config'),
  logLevel: logLevelOption(),
  accessLog: option(
    z.string().min(1, { error: 'a path, - or off' }).prefault('-'),
    'access-log',
    'PATH|-|off',
    'Access log; - is stdout; SIGHUP opens a file again',
  ),
  accessLogRingBytes: option(
    bytes(65_536, 1024 ** 3).prefault('4MiB'),
    'access-log-ring-bytes',
    'SIZE',
    'Records that wait for the writer, bytes per worker',
  ),
  accessLogWhenFull: option(
    z.enum(['drop', 'pause'], { error: 'drop or pause' }).prefault('drop'),
    'access-log-when-full',
    'drop|pause',
    'When the ring is full: drop and count records, or pause accepting',
  ),
  drainTimeoutMs: option(
    duration(0, DAY).prefault('30s'),
    'drain-timeout',
    'S',
    'How long open connections may go on after SIGTERM',
  ),
  workerHangTimeoutMs: option(
    duration(1000, DAY).prefault('5s'),
    'worker-hang-timeout',
    'D',
    'A worker that has not run for so long is ended',
  ),
  headBytesMax: option(
    bytes(1024, 48 * 1024).prefault('16384'),
    'head-bytes-max',
    'SIZE',
    'Largest head of a request or an answer',
  ),
  requestHeadTimeoutMs: option(
    duration(1, DAY).prefault('10s'),
    'request-head-timeout',
    'D',
    'From the accept to the end of the request head',
  ),
  connectTimeoutMs: option(
    duration(1, DAY).prefault('5s'),
    'connect-timeout',
    'D',
    'To connect to a backend, all endpoints tried included',
  ),
  answerTimeoutMs: option(
    duration(1, DAY).prefault('60s'),
    'answer-timeout',
    'D',
    'From the forwarded head to the head of the answer',
  ),
  streamIdleTimeoutMs: option(
    duration(1, 365 * DAY, 'off').prefault('5m'),
    'stream-idle-timeout',
    'D|off',
    'No byte in either direction of a spliced connection',
  ),
  httpIdleTimeoutMs: option(
    duration(1, DAY).prefault('5m'),
    'http-idle-timeout',
    'D',
    'A kept-alive connection waits for its next plain request',
  ),
  halfCloseTimeoutMs: option(
    duration(1, DAY).prefault('30s'),
    'half-close-timeout',
    'D',
    'One direction has ended and the other goes on',
  ),
  lifetimeMs: option(duration(1, 365 * DAY, 'off').prefault('off'), 'lifetime', 'D|off', 'Age of a spliced connection'),
  lingerTimeoutMs: option(
    duration(0, MINUTE).prefault('1s'),
    'linger-timeout',
    'D',
    'How long input is discarded behind an answer of our own',
  ),
  connectionsMax: option(
    integer(1, 1_000_000).prefault('1000000'),
    'connections-max',
    'N',
    'Connections that one worker may hold',
  ),
  handshakesMax: option(
    integer(1, 1_000_000).prefault('4096'),
    'handshakes-max',
    'N',
    'Handshakes that one worker may have under way; what is beyond gets a 503',
  ),
  streamConnectionsMax: option(
    integer(0, 1_000_000).prefault('8192'),
    'stream-connections-max',
    'N',
    'Connections with plain requests, and requests over HTTP/2, that one worker may hold; what is beyond gets a 503',
  ),
  workerHeapMiB: option(
    integer(64, 65_536).prefault('256'),
    'worker-heap',
    'MIB',
    'JavaScript heap of a worker, MiB; a handshake takes about twice its head',
  ),
  queueMax: option(
    integer(1, 65_536).prefault('1024'),
    'queue-max',
    'N',
    'Accepted connections that may wait for one worker',
  ),
  pendingBytesMax: option(
    bytes(65_536, 64 * 1024 ** 3).prefault('256MiB'),
    'pending-bytes-max',
    'SIZE',
    'Bytes that slow readers may keep in memory, per worker',
  ),
  endpointsMax: option(
    integer(1, 1_000_000).prefault('16384'),
    'endpoints-max',
    'N',
    'Slots of the status board: endpoints of all services',
  ),
  backlog: option(integer(1, 65_535).prefault('4096'), 'backlog', 'N', 'Connections that may wait in the kernel'),
  keepaliveIdleS: option(
    integer(1, 32_767).prefault('60'),
    'keepalive-idle',
    'S',
    'TCP keepalive: silence before the first probe',
  ),
  keepaliveIntervalS: option(
    integer(1, 32_767).prefault('10'),
    'keepalive-interval',
    'S',
    'TCP keepalive: between probes',
  ),
  keepaliveCount: option(
    integer(1, 127).prefault('6'),
    'keepalive-count',
    'N',
    'TCP keepalive: unanswered probes that end a connection',
  ),
  userTimeoutMs: option(
    duration(1, DAY, 'off').prefault('2m'),
    'tcp-user-timeout',
    'D|off',
    'Sent data that a peer does not acknowledge ends the connection',
  ),
  ...healthOptions,
  ...redisOptions,
});

/** Every option of `sluice serve`, checked, defaults filled in; times in ms, sizes in bytes. */
export type Options = z.output<typeof optionsSchema>;
