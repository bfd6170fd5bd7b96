/** curl against the gateway: what is negotiated, and what of HTTP it uses. `-v` is the witness. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { LARGE_BYTES } from '../support/http-backend.js';
import { pairedGateway } from '../support/paired-gateway.js';
import { runTool } from '../support/tool.js';

const UPLOAD_BYTES = 20 << 20;
/** What curl has on its standard input. */
const STREAMED = 'from a pipe';
const running = pairedGateway();
afterEach(() => running().backends.backend.closeIdle());

interface Curled {
  readonly code: number;
  /** Bytes as latin1. */
  readonly body: string;
  /** What `-v` said, a line an item. */
  readonly said: readonly string[];
}

async function curl(listener: 'http' | 'https', path: string, ...options: readonly string[]): Promise<Curled> {
  const { gateway, backends } = running();
  const url = `${listener}://127.0.0.1:${gateway.listener(listener).port}${path}`;
  const shared = [
    '--silent',
    '--show-error',
    '--verbose',
    '--max-time',
    '20',
    '--cacert',
    backends.certificates.caFile,
  ];
  const { code, stdout, stderr } = await runTool('curl', [...shared, ...options, url], STREAMED);
  return { code, body: stdout, said: stderr.split(/\r?\n/) };
}

const connections = (said: readonly string[]) => said.filter((line) => line.includes('* Connected to'));

/** A file of the test's folder. */
function file(name: string, content: Buffer): string {
  const path = join(running().backends.certificates.folder, name);
  writeFileSync(path, content);
  return path;
}

describe.each([
  { name: 'HTTP/1.1', listener: 'http', options: ['--http1.1'], status: 'HTTP/1.1 ', version: 'HTTP/1.1' },
  { name: 'HTTP/1.1 over TLS', listener: 'https', options: ['--http1.1'], status: 'HTTP/1.1 ', version: 'HTTP/1.1' },
  { name: 'HTTP/2 over TLS', listener: 'https', options: ['--http2'], status: 'HTTP/2 ', version: 'HTTP/2.0' },
  {
    name: 'HTTP/2 with prior knowledge',
    listener: 'http',
    options: ['--http2-prior-knowledge'],
    status: 'HTTP/2 ',
    version: 'HTTP/2.0',
  },
] as const)('$name', ({ name, listener, options, status, version }) => {
  const ask = (path: string, ...more: readonly string[]) => curl(listener, path, ...options, ...more);
  const mark = name.replaceAll(/\W/g, '-');

  test('a request is answered in the version that was agreed on, and the record has it', async () => {
    const { code, body, said } = await ask(`/echo?${mark}`, '--header', 'X-Asked: yes');
    expect(code).toBe(0);
    expect(said).toContainEqual(expect.stringMatching(`^< ${status}200`));
    if (listener === 'https') {
      const protocol = options[0] === '--http2' ? 'h2' : 'http/1.1';
      expect(said).toContainEqual(expect.stringMatching(`ALPN.* server accepted( to use)? ${protocol}`));
      expect(said).toContainEqual(expect.stringMatching(/SSL certificate verify ok/));
    }
    const { rawHeaders } = JSON.parse(body) as { rawHeaders: string[] };
    expect(rawHeaders.map((each) => each.toLowerCase())).toEqual(
      expect.arrayContaining(['x-asked', 'yes', 'x-forwarded-proto', listener]),
    );
    const record = await running().gateway.accessLog.recordOf(`/echo?${mark}`);
    expect(record).toMatchObject({ httpVersion: version, httpStatusCode: 200, closeReason: 'relayed' });
  });

  test('HEAD, 204, 304 and 404 have no body to wait for', async () => {
    for (const [path, code] of Object.entries({ '/large': 200, '/empty': 204, '/not-modified': 304 })) {
      const more = path === '/large' ? ['--head'] : [];
      expect((await ask(path, ...more)).said).toContainEqual(expect.stringMatching(`^< ${status}${code}`));
    }
  });

  test('a large file goes up and comes back', async () => {
    const sent = randomBytes(UPLOAD_BYTES);
    const back = join(running().backends.certificates.folder, `${mark}.back`);
    const { code } = await ask('/mirror', '--upload-file', file(`${mark}.up`, sent), '--output', back);
    expect(code).toBe(0);
    expect(readFileSync(back).equals(sent)).toBe(true);
  });

  test('a body is asked for with 100 when the client waits for it', async () => {
    const { body, said } = await ask(
      '/echo',
      '--header',
      'Expect: 100-continue',
      '--data',
      'awaited',
      '--expect100-timeout',
      '15',
    );
    expect(said).toContainEqual(expect.stringMatching(`^< ${status}100`));
    expect(JSON.parse(body)).toMatchObject({ method: 'POST', body: 'awaited' });
  });

  test('a body without a length', async () => {
    const { body } = await ask('/echo', '--upload-file', '-');
    const {
      method,
      body: sent,
      rawHeaders,
    } = JSON.parse(body) as { method: string; body: string; rawHeaders: string[] };
    expect([method, sent]).toEqual(['PUT', STREAMED]);
    expect(rawHeaders.map((each) => each.toLowerCase())).not.toContain('content-length');
  });

  test('a compressed answer passes as it is', async () => {
    const { code, body, said } = await ask('/gzip', '--compressed');
    expect(code).toBe(0);
    expect(body).toBe('compressed '.repeat(10_000));
    expect(said).toContainEqual(expect.stringMatching(/^< content-encoding: gzip/i));
  });

  test('trailers come behind the body', async () => {
    const heads = join(running().backends.certificates.folder, `${mark}.heads`);
    const { body } = await ask('/trailers', '--dump-header', heads);
    expect(body).toBe('body');
    const [, trailers] = readFileSync(heads, 'latin1').split('\r\n\r\n');
    expect(trailers?.trim().toLowerCase()).toBe('x-sum: 42');
  });

  // curl 7.88 gives up a second request on a connection with prior knowledge, whoever the server is.
  if (options[0] !== '--http2-prior-knowledge')
    test('several requests share a connection', async () => {
      const { code, body, said } = await ask('/large?[1-3]');
      expect(code).toBe(0);
      expect(body.length).toBe(3 * LARGE_BYTES);
      expect(connections(said)).toHaveLength(1);
    });

  // Before a body that HTTP/2 has not taken whole, curl 7.88 gives up an answer, whoever the server is.
  if (version !== 'HTTP/2.0')
    test('an answer before the body is whole', async () => {
      const { said } = await ask('/early', '--data-binary', `@${file(`${mark}.early`, randomBytes(1 << 20))}`);
      expect(said).toContainEqual(expect.stringMatching(`^< ${status}413`));
    });
});

test('many requests at once over one connection of HTTP/2', async () => {
  const { code, said } = await curl(
    'https',
    '/echo?many-[1-200]',
    '--http2',
    '--parallel',
    '--parallel-max',
    '50',
    '--fail',
  );
  expect(code).toBe(0);
  expect(connections(said)).toHaveLength(1);
  await eventually(() => {
    const records = running()
      .gateway.accessLog.records()
      .filter(({ requestUri }) => /\?many-/.test(String(requestUri)));
    expect(records).toHaveLength(200);
    expect(new Set(records.map(({ httpVersion }) => httpVersion))).toEqual(new Set(['HTTP/2.0']));
  });
});

test('an offer to upgrade to h2c is passed over, in the first request and in later ones', async () => {
  const { code, body, said } = await curl('http', '/echo?offer=[1-2]', '--http2', '--data', 'plain');
  expect(code).toBe(0);
  expect(said.filter((line) => line === '> Upgrade: h2c')).toHaveLength(2);
  expect(said.filter((line) => line.startsWith('< HTTP/1.1 200'))).toHaveLength(2);
  expect(connections(said)).toHaveLength(1);
  for (const echoed of body.split(/(?<=\})(?=\{)/)) {
    const { rawHeaders, body: sent } = JSON.parse(echoed) as { rawHeaders: string[]; body: string };
    const names = rawHeaders.filter((_, n) => n % 2 === 0).map((each) => each.toLowerCase());
    expect(names.filter((each) => each === 'upgrade' || each === 'http2-settings')).toEqual([]);
    expect(sent).toBe('plain');
  }
});
