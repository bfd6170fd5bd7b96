/**
 * Where statuses of backends come from: Redis, an embedded daemon, or nowhere.
 *
 * The client of Redis is loaded where there is one only: it takes a tenth of a second. Primary thread.
 */
import { ExitCode, ExitError } from '@sluice/shared/cli/exit-codes';
import { redisOf } from '@sluice/shared/cli/redis-options';
import type { BusSubscriber } from '@sluice/shared/health/bus';
import { createIpcSubscriber } from '@sluice/shared/health/ipc/subscriber';
import type { Logger } from '@sluice/shared/log';
import { hostPort } from '@sluice/shared/snapshot/endpoint-key';
import type { Options } from '../cli/options.js';
import { HealthDaemon } from './health-daemon.js';
import type { HealthSource } from './health-view.js';

export interface Bus {
  readonly source: HealthSource;
  readonly subscriber: BusSubscriber | null;
  readonly daemon: HealthDaemon | null;
}

/** `services`: what an embedded daemon is to probe. Throws ExitError when the options mean no Redis that there could be. */
export type OpenBus = (services: string, log: Logger) => Bus;

type RedisModule = typeof import('@sluice/shared/health/redis/subscriber');

/** Arguments of the embedded daemon: the same log. What it is to probe it is told by messages. */
function daemonArguments({ logLevel, resolveIntervalMs, healthAdmin }: Options): readonly string[] {
  const admin = healthAdmin === null ? 'off' : hostPort(healthAdmin.address, healthAdmin.port);
  const rest = ['--log-level', logLevel, '--resolve-interval', `${resolveIntervalMs}ms`, '--admin', admin];
  return ['--embedded', ...rest];
}

/** `module`: undefined where the options name no Redis. */
function openRedis(options: Options, module: RedisModule | undefined, log: Logger): Bus | undefined {
  const redis = redisOf('sluice', options);
  if (redis === null || module === undefined) return undefined;
  try {
    return { source: 'redis', subscriber: module.createRedisSubscriber(redis, log), daemon: null };
  } catch (error) {
    throw new ExitError(ExitCode.usage, `sluice: ${(error as Error).message}`, { cause: error });
  }
}

function openEmbedded(options: Options, services: string, log: Logger): Bus {
  const subscriber = createIpcSubscriber(log);
  const daemon = new HealthDaemon({ args: daemonArguments(options), services, subscriber, log });
  return { source: 'embedded', subscriber, daemon };
}

/** Loads what the bus needs. What is wrong with the options is said when it is opened. */
export async function loadBus(options: Options): Promise<OpenBus> {
  const named = options.redis !== undefined || options.redisSentinels !== undefined;
  const module = named ? await import('@sluice/shared/health/redis/subscriber') : undefined;
  return (services, log) => {
    const redis = openRedis(options, module, log);
    if (redis !== undefined) return redis;
    if (options.health === 'off') return { source: 'off', subscriber: null, daemon: null };
    return openEmbedded(options, services, log);
  };
}
