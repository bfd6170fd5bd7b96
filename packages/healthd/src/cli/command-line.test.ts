import { ExitCode, ExitError } from '@sluice/shared/cli/exit-codes';
import { describe, expect, it } from 'vitest';
import { busOf, parseArguments } from './command-line.js';
import type { Options } from './options.js';

function parse(args: readonly string[], env: Record<string, string> = {}): Options {
  const invocation = parseArguments(args, env, '1.2.3');
  if (invocation === null) throw new Error('answered already');
  return invocation.options;
}

function refusal(attempt: () => unknown): ExitError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof ExitError) return error;
  }
  throw new Error('was accepted');
}

describe('parseArguments', () => {
  it('fills in the defaults', () => {
    expect(parse(['--config', 'a.yaml', '--redis', 'redis://localhost'])).toMatchObject({
      config: ['a.yaml'],
      redis: 'redis://localhost',
      redisPrefix: 'sluice',
      resolveIntervalMs: 5000,
      probesMax: 256,
      logLevel: 'info',
      embedded: false,
    });
  });

  it('takes options from the environment, --embedded not', () => {
    const env = { SLUICE_CONFIG: 'a', SLUICE_PROBES_MAX: '9', SLUICE_EMBEDDED: 'true' };
    expect(parse([], env)).toMatchObject({ probesMax: 9, embedded: false });
  });

  it.each([
    [[], '--config must be given'],
    [['--config', 'a', '--probes-max', '0'], '--probes-max must be an integer from 1 to 10000, not "0"'],
    [['--config', 'a', '--resolve-interval', '1ms'], '--resolve-interval must be a duration'],
    [['--config', 'a', '--confg', 'b'], "unknown option '--confg'"],
    [['--config', 'a', 'b'], 'too many arguments'],
  ])('refuses %j', (args, line) => {
    const { code, message } = refusal(() => parse(args));
    expect(code).toBe(ExitCode.usage);
    expect(message).toMatch(/^healthd: /);
    expect(message).toContain(line);
  });
});

describe('busOf', () => {
  const bus = (hasParent: boolean, ...args: string[]) => busOf(parse(['--config', 'a', ...args]), hasParent);

  it('is Redis, at a URL or by Sentinels, or the parent', () => {
    expect(bus(false, '--redis', 'redis://r:1')).toMatchObject({ type: 'redis', redis: { url: 'redis://r:1' } });
    expect(bus(false, '--redis-sentinels', 'a,b:2')).toMatchObject({
      redis: {
        sentinels: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 2 },
        ],
      },
    });
    expect(bus(true, '--embedded')).toEqual({ type: 'ipc' });
  });

  it.each([
    ['none', false, [], '--redis must be given'],
    ['both', true, ['--embedded', '--redis', 'redis://r'], '--embedded goes without --redis'],
    ['a parent that is not there', false, ['--embedded'], 'IPC channel'],
  ] as const)('refuses %s', (_, hasParent, args, line) => {
    const { code, message } = refusal(() => bus(hasParent, ...args));
    expect(code).toBe(ExitCode.usage);
    expect(message).toContain(line);
  });
});
