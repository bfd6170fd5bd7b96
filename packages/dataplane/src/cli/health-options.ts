/**
 * The options of `sluice serve` about its backends: where their status comes from, how they are found, and what failed
 * connects do to them.
 */
import { duration, hostPortOrOff, integer } from '@sluice/shared/cli/option-values';
import { option } from '@sluice/shared/cli/options';
import { z } from 'zod';

const SECOND = 1000;
const HOUR = 3600 * SECOND;

export const healthOptions = {
  health: option(
    z.enum(['embedded', 'off'], { error: 'embedded or off' }).prefault('embedded'),
    'health',
    'embedded|off',
    'Probe backends with a daemon that this process starts, or not at all; with --redis, statuses come from there',
  ),
  healthAdmin: option(
    hostPortOrOff().prefault('off'),
    'health-admin',
    'ADDR:PORT|off',
    'Admin port of the daemon that this process starts: its metrics of probes',
  ),
  healthWaitMs: option(
    duration(1, HOUR, 'off').prefault('off'),
    'health-wait',
    'D|off',
    'How long to wait for the first statuses before connections are accepted',
  ),
  resolveIntervalMs: option(
    duration(100, HOUR).prefault('5s'),
    'resolve-interval',
    'D',
    'Between two look-ups of a service that is found by name',
  ),
  ejectAfter: option(
    integer(0, 1000).prefault('3'),
    'eject-after',
    'N',
    'Connects failed in a row that leave an endpoint out for a while; 0: never',
  ),
  ejectTimeMs: option(
    duration(100, HOUR).prefault('5s'),
    'eject-time',
    'D',
    'How long that is the first time; longer each time in a row',
  ),
  ejectTimeMaxMs: option(duration(100, HOUR).prefault('60s'), 'eject-time-max', 'D', 'How long that is at most'),
} as const;
