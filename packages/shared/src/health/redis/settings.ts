/**
 * From `RedisOptions` to what the client library is given. Nothing is left to the library that this package does itself:
 * it neither queues while there is no connection, nor resends, nor connects again (connection.ts does).
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { RedisOptions as LibraryOptions } from 'ioredis';
import type { RedisOptions } from './options.js';

/** From the first packet to a connection that Redis answers on. */
export const CONNECT_TIMEOUT_MS = 3_000;
/** For the answer to one command. A lease is 2 s: an answer that is later is of no use to a leader. */
export const COMMAND_TIMEOUT_MS = 1_500;
const DISCONNECT_TIMEOUT_MS = 100;
const KEEP_ALIVE_MS = 5_000;
const DEFAULT_PORT = 6379;

export type ClientOptions = Omit<LibraryOptions, 'replyMapping'>;

interface Target {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly tls: boolean;
  readonly username: string;
  readonly password: string;
}

function invalid(what: string): RangeError {
  return new RangeError(`Redis: ${what}`);
}

function parseUrl(text: string): URL {
  // The text may hold a password: it is never part of an error.
  if (!URL.canParse(text)) throw invalid('the URL is not one; use redis://[user[:password]@]host[:port][/database]');
  const url = new URL(text);
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw invalid(`the scheme of the URL is "${url.protocol}"; use redis:// or, for TLS, rediss://`);
  }
  return url;
}

function databaseOf(url: URL): number {
  const text = url.pathname.replace(/^\//, '');
  if (!/^\d{0,4}$/.test(text)) throw invalid(`the database "${text}" in the URL is not a number`);
  return Number(text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('the user or password in the URL has a "%" that begins no escape; write it as %25');
  }
}

function targetOf(options: RedisOptions): Target {
  const url = parseUrl(options.url);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host === '') throw invalid('the URL names no host; use redis://host[:port]');
  return {
    host,
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    database: databaseOf(url),
    tls: url.protocol === 'rediss:',
    username: options.username ?? decode(url.username),
    password: options.password ?? decode(url.password),
  };
}

function check(options: RedisOptions, target: Target): void {
  if (!/^[^\s*?[\]\\]+$/.test(options.prefix)) {
    throw invalid(`the prefix "${options.prefix}" must not be empty, nor have spaces or any of * ? [ ] \\ in it`);
  }
  if (options.caFile !== undefined && !target.tls) throw invalid('a CA file needs a URL that begins with rediss://');
  if (options.sentinels.length > 0 && options.master === '') throw invalid('with sentinels, the name of the master');
}

export interface RedisTarget {
  readonly database: number;
  /** What to call it in the log: no secrets. */
  readonly name: string;
  readonly tls: boolean;
  /** Options for one client, which connects once. Reads the CA file, and throws when that cannot be used. */
  clientOptions(role: string): ClientOptions;
}

const CLIENT: ClientOptions = {
  lazyConnect: true,
  retryStrategy: null,
  sentinelRetryStrategy: () => null,
  enableOfflineQueue: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  disableClientInfo: true,
  protocol: 2,
  connectTimeout: CONNECT_TIMEOUT_MS,
  commandTimeout: COMMAND_TIMEOUT_MS,
  sentinelCommandTimeout: COMMAND_TIMEOUT_MS,
  disconnectTimeout: DISCONNECT_TIMEOUT_MS,
  keepAlive: KEEP_ALIVE_MS,
  noDelay: true,
};

/** The CA file's text. A file without a certificate would be taken by TLS too, and no server be trusted. */
function authorities(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw invalid(`the CA file ${path} ${code === 'ENOENT' ? 'does not exist' : `cannot be read: ${message}`}`);
  }
  if (!/-----BEGIN (TRUSTED )?CERTIFICATE-----/.test(text)) {
    throw invalid(`the CA file ${path} has no certificate in it; it must be PEM (-----BEGIN CERTIFICATE-----)`);
  }
  return text;
}

function addressOptions(options: RedisOptions, target: Target): ClientOptions {
  const ca = options.caFile === undefined ? {} : { ca: authorities(options.caFile) };
  if (options.sentinels.length === 0) {
    const servername = isIP(target.host) === 0 ? { servername: target.host } : {};
    return { host: target.host, port: target.port, ...(target.tls ? { tls: { ...ca, ...servername } } : {}) };
  }
  return {
    sentinels: options.sentinels.map(({ host, port }) => ({ host, port })),
    name: options.master,
    role: 'master',
    ...(options.sentinelPassword === undefined ? {} : { sentinelPassword: options.sentinelPassword }),
    ...(target.tls ? { tls: ca, sentinelTLS: ca, enableTLSForSentinelMode: true } : {}),
  };
}

/** Checks the options. Throws a RangeError that says what would be right. */
export function redisTarget(options: RedisOptions): RedisTarget {
  const target = targetOf(options);
  check(options, target);
  const { username, password, database } = target;
  const credentials = { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) };
  addressOptions(options, target);
  const sentinels = options.sentinels.map(({ host, port }) => `${host}:${port}`).join(', ');
  return {
    database,
    tls: target.tls,
    name: sentinels === '' ? `${target.host}:${target.port}` : `master ${options.master} of sentinels ${sentinels}`,
    clientOptions: (role) => ({
      ...CLIENT,
      ...credentials,
      db: database,
      connectionName: `sluice-${role}`,
      ...addressOptions(options, target),
    }),
  };
}
