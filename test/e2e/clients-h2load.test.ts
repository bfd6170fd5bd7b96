/** h2load: a thousand requests each over a few connections, none lost, with every version of HTTP. */
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { pairedGateway } from '../support/paired-gateway.js';
import { runTool } from '../support/tool.js';

const REQUESTS = 1_000;
const running = pairedGateway();

test.each([
  ['https', 'HTTP/2.0', ['-c4', '-m32'], 'Application protocol: h2'],
  ['https', 'HTTP/1.1', ['-c8', '--h1'], 'Application protocol: http/1.1'],
  ['http', 'HTTP/2.0', ['-c4', '-m32'], 'Application protocol: h2c'],
  ['http', 'HTTP/1.1', ['-c8', '--h1'], 'Application protocol: http/1.1'],
] as const)('%s, %s', async (listener, version, options, protocol) => {
  const { gateway, backends } = running();
  const path = `/echo?${listener}-${version.slice(5)}`;
  const url = `${listener}://127.0.0.1:${gateway.listener(listener).port}${path}`;
  const { code, stdout, stderr } = await runTool('h2load', [`-n${REQUESTS}`, ...options, url]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain(protocol);
  expect(stdout).toContain(`${REQUESTS} done, ${REQUESTS} succeeded, 0 failed, 0 errored, 0 timeout`);
  expect(stdout).toContain(`status codes: ${REQUESTS} 2xx`);
  backends.backend.closeIdle();
  const records = await eventually(() => {
    const found = gateway.accessLog.records().filter(({ requestUri }) => requestUri === path);
    expect(found).toHaveLength(REQUESTS);
    return found;
  });
  expect(new Set(records.map(({ httpVersion, closeReason }) => `${httpVersion} ${closeReason}`))).toEqual(
    new Set([`${version} relayed`]),
  );
});

test('a body with each of many requests', async () => {
  const { gateway, backends } = running();
  const { folder } = backends.certificates;
  const url = `https://127.0.0.1:${gateway.listener('https').port}/mirror`;
  const { stdout } = await runTool('h2load', ['-n500', '-c2', '-m16', '-d', `${folder}/ca.pem`, url]);
  expect(stdout).toContain('500 done, 500 succeeded, 0 failed, 0 errored, 0 timeout');
  backends.backend.closeIdle();
});
