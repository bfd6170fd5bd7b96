/** A page in Chromium: WebSockets over HTTP/2 and over HTTP/1.1, Socket.IO, events, and a body that is streamed. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Chromium } from '../support/browser.js';
import { BrowserBackend } from '../support/browser-backend.js';
import { Certificates } from '../support/certificates.js';
import { eventually, within } from '../support/eventually.js';
import { Gateway } from '../support/gateway.js';
import { type Manifest, manifests } from '../support/manifests.js';
import { addScript, ask } from '../support/page-script.js';

const MIB = 1024 * 1024;
let backend: BrowserBackend;
let certificates: Certificates;
let gateway: Gateway;
let chromium: Chromium;
let page: Page;

/** A second Gateway on another port, whose clients are not told of WebSockets over HTTP/2. */
function without(): Manifest[] {
  const api = { apiVersion: 'gateway.networking.k8s.io/v1' };
  const metadata = { name: 'without', namespace: 'test' };
  const annotations = { 'sluice.dev/websocket-over-http2': 'off' };
  const tls = { mode: 'Terminate', certificateRefs: [{ kind: 'Secret', name: 'local' }] };
  const listeners = [{ name: 'without', port: 444, protocol: 'HTTPS', tls }];
  const rules = [{ backendRefs: [{ name: 'page', port: 80 }] }];
  return [
    {
      ...api,
      kind: 'Gateway',
      metadata: { ...metadata, annotations },
      spec: { gatewayClassName: 'sluice', listeners },
    },
    { ...api, kind: 'HTTPRoute', metadata, spec: { parentRefs: [{ name: 'without' }], rules } },
  ];
}

beforeAll(async () => {
  certificates = Certificates.make();
  [backend, chromium] = await Promise.all([BrowserBackend.start(), Chromium.start()]);
  const config = manifests({
    listeners: [{ name: 'with', port: 443, secrets: ['local'] }],
    services: { page: [backend] },
    more: [certificates.secret, ...without()],
  });
  gateway = await Gateway.start({ config, flags: { 'port-map': '443=0,444=0' } });
});
afterAll(async () => {
  await chromium?.close();
  backend?.disconnect();
  await gateway?.settled();
  await gateway?.stop();
  await backend?.close();
  certificates?.close();
});

/** The records of WebSockets whose target begins with `path`, when there are `count`. */
async function records(path: string, count = 1) {
  return await eventually(() => {
    const found = gateway.accessLog.records().filter(({ requestUri }) => String(requestUri).startsWith(path));
    expect(found).toHaveLength(count);
    return found;
  });
}

describe.each([
  { listener: 'with', version: 'HTTP/2.0' },
  { listener: 'without', version: 'HTTP/1.1' },
])('WebSockets over $version', ({ listener, version }) => {
  const path = (name: string) => `/ws/${listener}/${name}`;

  beforeEach(async () => {
    page = await chromium.open(`https://localhost:${gateway.listener(listener).port}/`);
    await addScript(page);
  });
  afterEach(async () => {
    await page.context().close();
  });

  test('a page comes over HTTP/2, its WebSocket as the listener says, and the backend sees HTTP/1.1', async () => {
    expect(await ask(page, 'protocolOf')).toBe('h2');
    expect(await ask(page, 'open', path('echo'))).toContain('permessage-deflate');
    expect(await ask(page, 'echoText', path('echo'), 'hello, ä')).toBe('hello, ä');
    expect(await ask(page, 'echoBytes', path('echo'), 1000)).toBe(true);
    expect(await ask(page, 'close', path('echo'), 3001, 'bye')).toEqual({ code: 3001, reason: 'bye', wasClean: true });
    const accepted = backend.accepted.get(path('echo'));
    expect(accepted?.asked).toBe('GET HTTP/1.1 websocket');
    await eventually(() => expect(accepted?.closed).toEqual({ code: 3001, reason: 'bye' }));
    const [record] = await records(path('echo'));
    expect(record).toMatchObject({ httpVersion: version, httpStatusCode: 101, tlsProtocol: 'TLSv1.3' });
  });

  test('messages of a MiB, both ways, in order', async () => {
    await ask(page, 'open', path('large'));
    for (let n = 0; n < 3; n++) expect(await ask(page, 'echoBytes', path('large'), MIB + n)).toBe(true);
    const text = 'x'.repeat(MIB);
    expect(await ask(page, 'echoText', path('large'), text)).toBe(text);
  });

  test('many WebSockets at once', async () => {
    const all = Array.from({ length: 40 }, (_, n) => path(`many-${n}`));
    // Chromium makes those wait that are opened while many others are being opened.
    for (let at = 0; at < all.length; at += 8) {
      await Promise.all(all.slice(at, at + 8).map((one) => ask(page, 'open', one)));
    }
    expect(await Promise.all(all.map((one) => ask(page, 'echoText', one, one)))).toEqual(all);
    await Promise.all(all.map((one) => ask(page, 'close', one, 1000, '')));
    const found = await records(path('many-'), 40);
    expect(new Set(found.map((record) => record.httpVersion))).toEqual(new Set([version]));
    expect(new Set(found.map((record) => record.clientIp)).size).toBe(version === 'HTTP/2.0' ? 1 : 40);
  });

  test('the backend closes, or is gone', async () => {
    await Promise.all([ask(page, 'open', path('closed')), ask(page, 'open', path('gone'))]);
    backend.accepted.get(path('closed'))?.socket.close(4000, 'later');
    expect(await ask(page, 'close', path('closed'))).toEqual({ code: 4000, reason: 'later', wasClean: true });
    backend.accepted.get(path('gone'))?.socket.terminate();
    expect(await ask(page, 'close', path('gone'))).toMatchObject({ code: 1006, wasClean: false });
  });

  test('a page that is gone closes its WebSockets', async () => {
    await ask(page, 'open', path('left'));
    await page.goto('about:blank');
    // Over HTTP/2 it resets the stream right behind its close frame, and a reset need not wait for what came before it.
    const codes = version === 'HTTP/2.0' ? [1001, 1006] : [1001];
    await eventually(() => expect(codes).toContain(backend.accepted.get(path('left'))?.closed?.code));
    const [record] = await records(path('left'));
    expect(record?.closeReason).toMatch(/^client-/);
  });

  test('Socket.IO begins with polling and goes on with a WebSocket', async () => {
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    expect(await ask(page, 'socketIo')).toEqual({ first: 'polling', echoed: numbers, last: 'websocket' });
  });

  test('a body is streamed up, and events come down one by one', async () => {
    expect(await ask(page, 'upload', 100)).toBe(true);
    await ask(page, 'listen');
    for (let n = 0; n < 10; n++) {
      const heard = ask(page, 'heard');
      backend.events?.write(`data: event ${n}\n\n`);
      expect(await within(heard, 10_000, () => 'no event came')).toBe(`event ${n}`);
    }
  });
});
