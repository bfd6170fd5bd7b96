/** The command line: what is wrong is said in one line that names it, with the documented exit code. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sluice } from '../support/command.js';
import { EchoBackend, refusingAddress } from '../support/echo-backend.js';
import { Gateway } from '../support/gateway.js';
import { manifests } from '../support/manifests.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

let folder = '';
let config = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
  config = join(folder, 'good.yaml');
  writeFileSync(config, manifests({ services: { echo: [await refusingAddress()] } }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lines = (text: string) => text.split('\n').filter((line) => line !== '');

test('--help names every option and every exit code', async () => {
  const { code, stdout } = await sluice(['serve', '--help']);
  expect(code).toBe(0);
  for (const flag of [
    'config',
    'workers',
    'bind',
    'port-map',
    'admin',
    'access-log',
    'log-level',
    'drain-timeout',
    'reuse-port',
    'request-head-timeout',
    'connect-timeout',
    'answer-timeout',
    'stream-idle-timeout',
    'half-close-timeout',
    'lifetime',
    'head-bytes-max',
    'pending-bytes-max',
    'worker-hang-timeout',
  ]) {
    expect(stdout).toContain(`--${flag}`);
  }
  expect(stdout).toMatch(/exit codes/i);
});

test('--version', async () => {
  const { code, stdout } = await sluice(['--version']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

const usage = [
  { name: 'no command', args: [], says: /command/ },
  { name: 'an unknown command', args: ['fly'], says: /fly/ },
  { name: 'an unknown flag', args: ['serve', '--config', 'x', '--wrokers', '2'], says: /--wrokers/ },
  { name: 'no config', args: ['serve'], says: /--config/ },
  {
    name: 'workers that are no number',
    args: ['serve', '--config', 'x', '--workers', 'two'],
    says: /--workers.*"two"/,
  },
  {
    name: 'a port map that is none',
    args: ['serve', '--config', 'x', '--port-map', '80'],
    says: /--port-map.*80=8080/,
  },
  { name: 'a duration without sense', args: ['serve', '--config', 'x', '--lifetime', '1y'], says: /--lifetime.*"1y"/ },
  { name: 'a stray argument', args: ['serve', '--config', 'x', 'stray'], says: /argument/ },
];

test.each(usage)('$name: exit code 2 and one line', async ({ args, says }) => {
  const { code, stdout, stderr } = await sluice(args);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(lines(stderr)).toHaveLength(1);
  expect(stderr).toMatch(says);
});

test('a variable is checked like its flag, and named', async () => {
  const { code, stderr } = await sluice(['serve', '--config', config], { SLUICE_WORKERS: 'many' });
  expect(code).toBe(2);
  expect(stderr).toMatch(/SLUICE_WORKERS.*"many"/);
});

test('variables set options; flags win', async () => {
  const services = { echo: [await refusingAddress()] };
  const env = { SLUICE_WORKERS: '3', SLUICE_HEAD_BYTES_MAX: '4096' };
  await withGateway({ config: { services }, env, flags: { workers: '1' } }, async (gateway) => {
    expect(gateway.ready.workers).toBe(1);
    const { client, answer } = await RawClient.request(gateway, `GET / HTTP/1.1\r\nA: ${'x'.repeat(5_000)}\r\n\r\n`);
    expect(answer.status).toBe(431);
    client.destroy();
  });
});

const wrongField = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: edge
spec:
  gatewayClassName: sluice
  listeners:
    - name: web
      port: 80
      protocol: HTTP
      protocoll: HTTP
`;
const wrongConfigs = [
  { name: 'an unknown field', text: wrongField, says: /wrong\.yaml:11:7: error: .*Gateway.*listeners\[0\].*protocoll/ },
  { name: 'no YAML', text: 'kind: [\n', says: /wrong\.yaml:\d+:\d+: / },
  { name: 'nothing in it', text: '', says: /wrong\.yaml/ },
  {
    name: 'a port that is none',
    text: wrongField.replace('80', '80000').replace(/ +protocoll.*\n/, ''),
    says: /:9:13: /,
  },
];

test.each(wrongConfigs)('a configuration with $name: exit code 3 and the place', async ({ text, says }) => {
  const path = join(folder, 'wrong.yaml');
  writeFileSync(path, text);
  const { code, stdout, stderr } = await sluice(['serve', '--config', path, '--port-map', '80=0', '--admin', 'off']);
  expect(stderr).toMatch(says);
  expect(code).toBe(3);
  expect(stdout).toBe('');
});

test('a path that does not exist: exit code 3', async () => {
  const { code, stderr } = await sluice(['serve', '--config', join(folder, 'absent.yaml'), '--admin', 'off']);
  expect(code).toBe(3);
  expect(stderr).toMatch(/absent\.yaml/);
});

test('a taken port: exit code 4 and one line that names it', async () => {
  const taken = await EchoBackend.start();
  const flags = ['--bind', '127.0.0.1', '--port-map', `80=${taken.port}`, '--admin', 'off', '--access-log', 'off'];
  const { code, stdout, stderr } = await sluice(['serve', '--config', config, ...flags]);
  await taken.close();
  expect(code).toBe(4);
  expect(stdout).toBe('');
  expect(lines(stderr).filter((line) => line.includes(String(taken.port)))).toHaveLength(1);
});

test('a taken admin port: exit code 4', async () => {
  const taken = await EchoBackend.start();
  const flags = ['--port-map', '80=0', '--admin', `127.0.0.1:${taken.port}`];
  const { code, stderr } = await sluice(['serve', '--config', config, ...flags]);
  await taken.close();
  expect(code).toBe(4);
  expect(stderr).toContain(String(taken.port));
});

test('a second gateway on the same port needs --reuse-port', async () => {
  const backend = await EchoBackend.start();
  const description = { services: { echo: [backend] } };
  await withGateway(
    { config: description, flags: { 'reuse-port': '' } },
    async (first) => {
      const flags = { 'reuse-port': '', 'port-map': `80=${first.port}` };
      const second = await Gateway.start({ config: description, flags });
      expect(second.port).toBe(first.port);
      await second.stop();
      const client = await RawClient.upgrade(first);
      client.end();
      await client.outcome();
    },
    [backend],
  );
});
