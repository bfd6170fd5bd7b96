/**
 * Command line of `pnpm bench`. Every choice that changes a number is printed with the result, so that two runs can
 * be compared; the seed decides the order of the targets in each round and the resampling of the intervals.
 */
import { parseArgs } from 'node:util';
import type { KeyKind, TlsVersion } from './certificate.js';

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
  tlsVersion: TlsVersion;
  key: KeyKind;
  jsonPath: string | undefined;
  idleConnections: number;
  install: boolean;
}

export const usage = `usage: pnpm bench [--rounds 6] [--seconds 0.5] [--warmup 0.2] [--quick] [--only plain,tls,echo64,churn,...]
  [--targets sluice,haproxy,nginx,http-proxy,direct] [--tls 1.3|1.2] [--key ecdsa|rsa] [--pin none|split] [--seed N]
  [--idle 5000] [--json PATH] [--no-install]`;

export class UsageError extends Error {}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new UsageError(`--${name} must be a positive number, not "${text}"`);
  return value;
}

function list(text: string | undefined): string[] | undefined {
  return text?.split(',').filter((name) => name !== '');
}

/** The first of `words` is the default. */
function oneOf<T extends string>(name: string, text: string | undefined, words: readonly [T, ...T[]]): T {
  const found = words.find((word) => word === (text ?? words[0]));
  if (found === undefined) throw new UsageError(`--${name} must be ${words.join(' or ')}, not "${text}"`);
  return found;
}

/** @throws UsageError for an unknown option or a value out of range. */
export function parseOptions(argv: string[]): BenchOptions {
  const { values } = read(argv);
  const quick = values.quick === true;
  return {
    rounds: Math.round(positive('rounds', values.rounds ?? (quick ? '3' : '6'))),
    seconds: positive('seconds', values.seconds ?? (quick ? '0.3' : '0.5')),
    warmupSeconds: positive('warmup', values.warmup ?? '0.2'),
    only: list(values.only),
    targets: list(values.targets),
    seed: Math.round(positive('seed', values.seed ?? String(1 + (Date.now() % 1_000_000)))),
    pin: oneOf('pin', values.pin, ['none', 'split']),
    tlsVersion: oneOf('tls', values.tls, ['1.3', '1.2']),
    key: oneOf('key', values.key, ['ecdsa', 'rsa']),
    jsonPath: values.json,
    idleConnections: Math.round(positive('idle', values.idle ?? '5000')),
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
        tls: { type: 'string' },
        key: { type: 'string' },
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
