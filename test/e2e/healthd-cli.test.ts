/** The `healthd` command: its options, what is wrong with them in one line each, its signals, and its admin port. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EchoBackend, refusingAddress } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { Healthd, healthd } from '../support/healthd.js';
import { probedServices } from '../support/healthd-manifests.js';

let folder = '';
let config = '';
let text = '';
/** A Redis that is not there. */
let nowhere = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-healthd-cli-'));
  config = join(folder, 'good.yaml');
  const { address, port } = await refusingAddress();
  text = probedServices({ name: 'chat', slice: { type: 'IPv4', port, endpoints: [{ address }] } });
  writeFileSync(config, text);
  nowhere = `redis://127.0.0.1:${(await refusingAddress()).port}`;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lines = (said: string) => said.split('\n').filter((line) => line !== '');

test('--help names every option and every exit code, and not --embedded', async () => {
  const { code, stdout } = await healthd(['--help']);
  expect(code).toBe(0);
  for (const flag of [
    'config',
    'redis',
    'redis-sentinels',
    'redis-master',
    'redis-prefix',
    'redis-ca',
    'resolve-interval',
    'probes-max',
    'admin',
    'log-level',
  ]) {
    expect(stdout).toContain(`--${flag}`);
  }
  expect(stdout).toMatch(/exit codes/i);
  expect(stdout).not.toContain('--embedded');
});

test('--version', async () => {
  const { code, stdout } = await healthd(['--version']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

const usage = [
  { name: 'no config', args: ['--redis', 'redis://r'], says: /--config/ },
  { name: 'no bus', args: ['--config', 'CONFIG'], says: /--redis must be given/ },
  { name: 'two buses', args: ['--config', 'CONFIG', '--redis', 'redis://r', '--embedded'], says: /--embedded/ },
  { name: '--embedded without a parent', args: ['--config', 'CONFIG', '--embedded'], says: /IPC channel/ },
  { name: 'an unknown flag', args: ['--config', 'CONFIG', '--probe-max', '2'], says: /--probe-max/ },
  // It may hold a password: it is not shown.
  {
    name: 'a URL that is none',
    args: ['--config', 'CONFIG', '--redis', 'http://u:secret@r'],
    says: /--redis must be a URL(?!.*:secret@)/,
  },
  {
    name: 'a CA file that is not there',
    args: ['--config', 'CONFIG', '--redis', 'rediss://r', '--redis-ca', '/nonexistent/ca.pem'],
    says: /ca\.pem/,
  },
  {
    name: 'a number out of range',
    args: ['--config', 'CONFIG', '--redis', 'redis://r', '--probes-max', '0'],
    says: /--probes-max.*"0"/,
  },
];

test.each(usage)('$name: exit code 2 and one line', async ({ args, says }) => {
  const { code, stdout, stderr } = await healthd(args.map((arg) => (arg === 'CONFIG' ? config : arg)));
  expect(lines(stderr)).toHaveLength(1);
  expect(stderr).toMatch(says);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

test('a configuration that is wrong: exit code 3 and the place', async () => {
  const wrong = join(folder, 'wrong.yaml');
  writeFileSync(wrong, text.replace('"gatewayClassName"', '"gatewayClas"'));
  const { code, stderr } = await healthd(['--config', wrong, '--redis', nowhere]);
  expect(stderr).toMatch(/wrong\.yaml:\d+:\d+: error: .*gatewayClas/);
  expect(code).toBe(3);
});

test('a taken admin port: exit code 4 and one line that names it', async () => {
  const taken = await EchoBackend.start();
  const args = ['--config', config, '--redis', nowhere, '--admin', `127.0.0.1:${taken.port}`, '--log-level', 'silent'];
  const { code, stderr } = await healthd(args);
  await taken.close();
  expect(lines(stderr)).toHaveLength(1);
  expect(stderr).toContain(String(taken.port));
  expect(code).toBe(4);
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it with 0, also while Redis is away', async (signal) => {
  const daemon = await Healthd.start(text, nowhere);
  daemon.child.kill('SIGHUP');
  daemon.child.kill(signal);
  expect(await daemon.end()).toEqual({ code: 0, signal: null });
  await daemon.close();
});

test('an exception that nothing caught is logged and ends it with 1', async () => {
  const thrower = "data:text/javascript,process.on('SIGUSR2',()=>{throw new Error('boom')})";
  const daemon = await Healthd.start(text, nowhere, ['--import', thrower]);
  daemon.child.kill('SIGUSR2');
  expect(await daemon.end()).toEqual({ code: 1, signal: null });
  await eventually(() => expect(daemon.log).toContainEqual(expect.objectContaining({ level: 60 })));
  await daemon.close();
});

test('without Redis it lives, is not ready and says why; it probes nothing', async () => {
  const daemon = await Healthd.start(text, nowhere);
  try {
    expect((await daemon.ask('/livez')).status).toBe(200);
    await eventually(async () => {
      const { status, body } = await daemon.ask('/readyz');
      expect({ status, body }).toEqual({ status: 503, body: expect.stringMatching(/not ready: .*ECONNREFUSED/) });
    });
    const metrics = await daemon.ask('/metrics');
    expect(metrics.body).toMatch(/^sluice_leader 0$/m);
    expect(metrics.body).not.toMatch(/^sluice_probes_total\{/m);
    const health = JSON.parse((await daemon.ask('/backendHealth?detailed=true')).body);
    expect(health.services).toMatchObject([
      {
        serviceName: 'test/chat/80',
        serviceHealth: [{ totalEndpoints: 1, endpoints: [{ health: { status: 'UNKNOWN' } }] }],
      },
    ]);
  } finally {
    await daemon.close();
  }
});
