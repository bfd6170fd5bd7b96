/**
 * The options that say which Redis carries the health bus; the same for every process that takes part in it.
 */
import { z } from 'zod';
import { ExitCode, ExitError } from './exit-codes.js';
import { parseHostPort } from './option-values.js';
import { option, optionDoc } from './options.js';

const SCHEMES = new Set(['redis:', 'rediss:']);

function redisUrl() {
  return z.string().refine((text) => URL.canParse(text) && SCHEMES.has(new URL(text).protocol), {
    error: 'a URL as in redis://127.0.0.1:6379/0 or rediss://redis.example.com:6380',
  });
}

/** `a:26379,b:26379`; a port that is left out is 26379. */
function sentinels() {
  return z.string().transform((text, context) => {
    const list = text.split(',').map((entry) => {
      const value = entry.trim();
      return parseHostPort(/:\d+$/.test(value) ? value : `${value}:26379`);
    });
    const found = list.filter((entry) => entry !== undefined && entry.address !== '' && entry.port !== 0);
    if (found.length === list.length)
      return found.map((entry) => ({ host: entry?.address ?? '', port: entry?.port ?? 0 }));
    context.addIssue({ code: 'custom', message: 'HOST:PORT pairs (a:26379,b:26379)' });
    return z.NEVER;
  });
}

export const redisOptions = {
  redis: option(redisUrl().optional(), 'redis', 'URL', 'Redis that carries the health bus; rediss:// for TLS', {
    secret: true,
  }),
  redisSentinels: option(
    sentinels().optional(),
    'redis-sentinels',
    'HOST:PORT,…',
    'Sentinels that know the Redis; --redis then gives user, password, database and TLS only',
  ),
  redisMaster: option(
    z.string().min(1, { error: 'a name' }).prefault('mymaster'),
    'redis-master',
    'NAME',
    'Name of the master that the Sentinels watch',
  ),
  redisPrefix: option(
    z
      .string()
      .regex(/^[\w.:-]{1,64}$/, { error: '1 to 64 letters, digits or _ . : -' })
      .prefault('sluice'),
    'redis-prefix',
    'TEXT',
    'First part of every key and channel: gateways with different prefixes share a Redis',
  ),
  redisUsername: option(z.string().optional(), 'redis-username', 'NAME', 'ACL user; wins over the one in the URL'),
  redisPassword: option(
    z.string().optional(),
    'redis-password',
    'TEXT',
    'Password; better given as the variable, which other users of the machine do not see',
    { secret: true },
  ),
  redisSentinelPassword: option(
    z.string().optional(),
    'redis-sentinel-password',
    'TEXT',
    'Password of the Sentinels themselves',
    { secret: true },
  ),
  redisCa: option(
    z.string().min(1).optional(),
    'redis-ca',
    'PATH',
    'PEM file of the CA that signed the Redis certificate',
  ),
} as const;

/** The values of `redisOptions`. */
export type RedisOptionValues = z.output<z.ZodObject<typeof redisOptions>>;

/** Options that say how to reach a Redis and not which: alone they mean that something was forgotten. */
const INCOMPLETE = ['redisUsername', 'redisPassword', 'redisSentinelPassword', 'redisCa'] as const;

/** Which Redis the options mean; null: none. Throws ExitError when they say something of a Redis, and not which. */
export function redisOf(program: string, values: RedisOptionValues) {
  const { redis, redisSentinels = [], redisMaster, redisPrefix } = values;
  if (redis === undefined && redisSentinels.length === 0) {
    const given = INCOMPLETE.find((name) => values[name] !== undefined);
    if (given === undefined) return null;
    const { flag } = optionDoc(z.object(redisOptions), given);
    throw new ExitError(ExitCode.usage, `${program}: --${flag} needs --redis or --redis-sentinels beside it`);
  }
  const { redisUsername, redisPassword, redisSentinelPassword, redisCa } = values;
  return {
    url: redis ?? 'redis://127.0.0.1:6379',
    sentinels: redisSentinels,
    master: redisMaster,
    prefix: redisPrefix,
    ...(redisUsername === undefined ? {} : { username: redisUsername }),
    ...(redisPassword === undefined ? {} : { password: redisPassword }),
    ...(redisSentinelPassword === undefined ? {} : { sentinelPassword: redisSentinelPassword }),
    ...(redisCa === undefined ? {} : { caFile: redisCa }),
  };
}
