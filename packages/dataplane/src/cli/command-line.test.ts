import { ExitCode, ExitError } from '@sluice/shared/cli/exit-codes';
import { environmentName, optionDoc, optionNames } from '@sluice/shared/cli/options';
import { describe, expect, it } from 'vitest';
import { parseArguments } from './command-line.js';
import { type Options, optionsSchema } from './options.js';

function serve(args: readonly string[], env: Record<string, string> = {}): Options {
  const invocation = parseArguments(['serve', ...args], env, '1.2.3');
  if (invocation?.command !== 'serve') throw new Error('not to be served');
  return invocation.options;
}

function refusal(args: readonly string[], env: Record<string, string> = {}): ExitError {
  try {
    parseArguments(args, env, '1.2.3');
  } catch (error) {
    if (error instanceof ExitError) return error;
  }
  throw new Error('was accepted');
}

describe('parseArguments', () => {
  it('fills in the defaults', () => {
    const options = serve(['--config', 'a.yaml']);
    expect(options).toMatchObject({
      config: ['a.yaml'],
      portMap: new Map(),
      admin: { address: '127.0.0.1', port: 9900 },
      accessLog: '-',
      headBytesMax: 16_384,
      requestHeadTimeoutMs: 10_000,
      connectTimeoutMs: 5000,
      answerTimeoutMs: 60_000,
      streamIdleTimeoutMs: 300_000,
      halfCloseTimeoutMs: 30_000,
      drainTimeoutMs: 30_000,
      lifetimeMs: 0,
      reusePort: false,
      deferAcceptS: 0,
    });
    expect(options.workers).toBeGreaterThan(0);
    expect(options.bind).toBeUndefined();
  });

  it('takes every option from the environment, and a flag over its variable', () => {
    const env = { SLUICE_CONFIG: 'a,b', SLUICE_WORKERS: '3', SLUICE_REUSE_PORT: '1', SLUICE_LIFETIME: '1h' };
    expect(serve(['--workers', '2'], env)).toMatchObject({
      config: ['a', 'b'],
      workers: 2,
      reusePort: true,
      lifetimeMs: 3_600_000,
    });
  });

  it('reads repeated flags, switches and off', () => {
    const options = serve([
      '--config',
      'a',
      '--config',
      'b',
      '--reuse-port',
      '--admin',
      'off',
      '--stream-idle-timeout',
      'off',
    ]);
    expect(options).toMatchObject({ config: ['a', 'b'], reusePort: true, admin: null, streamIdleTimeoutMs: 0 });
  });

  it.each([
    [['serve'], '--config must be given'],
    [['serve', '--config', 'a', '--workers', '0'], '--workers must be an integer from 1 to 128, not "0"'],
    [['serve', '--config', 'a', '--confg', 'b'], "unknown option '--confg'"],
    [['serve', '--config', 'a', 'b'], 'too many arguments'],
    [['serve', '--config'], 'argument missing'],
    [['serv'], "unknown command 'serv'"],
    [[], 'no command given'],
  ])('refuses %j', (args, line) => {
    const error = refusal(args);
    expect(error.code).toBe(ExitCode.usage);
    expect(error.message).toContain(line);
  });

  it('names the variable that is wrong, and every wrong value', () => {
    const error = refusal(['serve', '--config', 'a', '--admin', 'x'], { SLUICE_WORKERS: 'many' });
    expect(error.message.split('\n')).toHaveLength(2);
    expect(error.message).toContain('SLUICE_WORKERS must be an integer from 1 to 128, not "many"');
  });

  it('never shows what may hold a password', () => {
    const given = 'http://user:s3cret@redis.test';
    for (const error of [
      refusal(['serve', '--config', 'a', '--redis', given]),
      refusal(['serve', '--config', 'a'], { SLUICE_REDIS: given }),
    ]) {
      expect(error.message).toMatch(/(--redis|SLUICE_REDIS) must be a URL/);
      expect(error.message).not.toContain('s3cret');
    }
  });
});

describe('options', () => {
  it('each have a flag of their own, a document and a variable', () => {
    const flags = optionNames(optionsSchema).map((name) => optionDoc(optionsSchema, name).flag);
    expect(new Set(flags).size).toBe(flags.length);
    for (const name of optionNames(optionsSchema)) expect(optionDoc(optionsSchema, name).doc).not.toBe('');
    expect(environmentName('port-map')).toBe('SLUICE_PORT_MAP');
  });
});
