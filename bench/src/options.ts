/**
 * Command line of `pnpm bench`. Every choice that changes a number is printed with the result, so that two runs can
 * be compared; the seed decides the order of the targets in each round and the resampling of the intervals.
 */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Rounds; every round runs every target of a scenario once. */
  rounds: number;
  /** Measured seconds of one run, after the warm-up. */
  seconds: number;
  warmupSeconds: number;
  /** Names of scenarios, or undefined for all. */
  only: string[] | undefined;
  /** Names of targets, or undefined for all. */
  targets: string[] | undefined;
  seed: number;
  pin: 'split' | 'none';
  jsonPath: string | undefined;
  idleConnections: number;
  install: boolean;
}

export const usage = `usage: pnpm bench [--rounds 10] [--seconds 2] [--warmup 0.5] [--quick] [--only echo64,churn,...]
  [--targets sluice,haproxy,nginx,http-proxy,direct] [--pin none|split] [--seed N] [--idle 7000] [--json PATH]
  [--no-install]`;

export class UsageError extends Error {}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new UsageError(`--${name} must be a positive number, not "${text}"`);
  return value;
}

function list(text: string | undefined): string[] | undefined {
  return text?.split(',').filter((name) => name !== '');
}

function pinOf(text: string): BenchOptions['pin'] {
  if (text === 'split' || text === 'none') return text;
  throw new UsageError(`--pin must be none or split, not "${text}"`);
}

/** @throws UsageError for an unknown option or a value out of range. */
export function parseOptions(argv: string[]): BenchOptions {
  const { values } = read(argv);
  const quick = values.quick === true;
  return {
    rounds: Math.round(positive('rounds', values.rounds ?? (quick ? '3' : '10'))),
    seconds: positive('seconds', values.seconds ?? (quick ? '0.7' : '2')),
    warmupSeconds: positive('warmup', values.warmup ?? (quick ? '0.3' : '0.5')),
    only: list(values.only),
    targets: list(values.targets),
    seed: Math.round(positive('seed', values.seed ?? String(1 + (Date.now() % 1_000_000)))),
    pin: pinOf(values.pin ?? 'none'),
    jsonPath: values.json,
    idleConnections: Math.round(positive('idle', values.idle ?? '7000')),
    install: values['no-install'] !== true,
  };
}

function read(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      options: {
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        warmup: { type: 'string' },
        quick: { type: 'boolean' },
        only: { type: 'string' },
        targets: { type: 'string' },
        seed: { type: 'string' },
        pin: { type: 'string' },
        json: { type: 'string' },
        idle: { type: 'string' },
        'no-install': { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
