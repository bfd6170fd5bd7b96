/** Server-sent events with a real client (package eventsource): at once, across reconnects, longer than any request. */
import { EventSource } from 'eventsource';
import { Agent, fetch } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { Certificates, PAIRED_LISTENERS } from '../support/certificates.js';
import { EventBackend } from '../support/event-backend.js';
import { eventually, within } from '../support/eventually.js';
import { sharedGateway } from '../support/scenario.js';

const BUDGET_MS = 10_000;
const REQUEST_MS = 500;
const IDLE_MS = 2_000;

const running = sharedGateway(
  async () => ({ backend: await EventBackend.start(), certificates: Certificates.make() }),
  ({ backend, certificates }) => ({
    config: {
      listeners: PAIRED_LISTENERS,
      services: { events: [backend] },
      routes: [
        {
          rules: [
            { backends: ['events'] },
            { exact: '/bounded', backends: ['events'], timeouts: { request: `${REQUEST_MS}ms` } },
          ],
        },
      ],
      more: [certificates.secret],
    },
    flags: { 'stream-idle-timeout': `${IDLE_MS}ms` },
  }),
);

/** A client, and what it has heard. */
class Listener {
  readonly #heard: string[] = [];
  #waiter: (() => void) | undefined;

  private constructor(
    readonly source: EventSource,
    readonly agent: Agent,
  ) {
    source.addEventListener('message', ({ data, lastEventId }) => {
      this.#heard.push(`${lastEventId} ${data}`);
      this.#waiter?.();
    });
  }

  static async open(listener: string, allowH2: boolean, path = '/'): Promise<Listener> {
    const { gateway, backends } = running();
    const { port } = gateway.listener(listener);
    const agent = new Agent({ allowH2, connect: { ca: backends.certificates.ca } });
    const withAgent = (url: string | URL, init: object) => fetch(url, { ...init, dispatcher: agent });
    const scheme = listener === 'http' ? 'http' : 'https';
    const source = new EventSource(`${scheme}://127.0.0.1:${port}${path}`, { fetch: withAgent });
    const opened = new Promise<void>((resolve) => source.addEventListener('open', () => resolve(), { once: true }));
    await within(opened, BUDGET_MS, () => 'the stream does not open');
    const made = new Listener(source, agent);
    listeners.push(made);
    return made;
  }

  /** The next event, as `id data`. */
  async next(): Promise<string> {
    const arrived = new Promise<void>((resolve) => {
      this.#waiter = resolve;
      if (this.#heard.length > 0) resolve();
    });
    await within(arrived, BUDGET_MS, () => 'no event came');
    return this.#heard.shift() ?? '';
  }

  async close(): Promise<void> {
    this.source.close();
    await this.agent.destroy();
  }
}
const listeners: Listener[] = [];
afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close();
  const { gateway, backends } = running();
  await eventually(async () => {
    backends.backend.disconnect();
    await gateway.settled(0);
  });
});

describe.each([
  ['http', false],
  ['https', false],
  ['https', true],
] as const)('%s, HTTP/2 %s', (listener, allowH2) => {
  const open = (path?: string) => Listener.open(listener, allowH2, path);

  test('each event arrives before the next one is sent', async () => {
    const { backend } = running().backends;
    const client = await open('/at-once');
    for (let id = 1; id <= 50; id++) {
      backend.send(id, `event ${id}`);
      expect(await client.next()).toBe(`${id} event ${id}`);
    }
    client.source.close();
    await backend.streaming(0);
    const version = allowH2 ? 'HTTP/2.0' : 'HTTP/1.1';
    const record = await eventually(() => {
      const found = running()
        .gateway.accessLog.records()
        .filter(({ requestUri }) => requestUri === '/at-once');
      expect(found.at(-1)).toMatchObject({ httpVersion: version, closeReason: 'client-aborted' });
      return found.at(-1);
    });
    expect(Number(record?.responseBodyBytes)).toBeGreaterThan(50 * 20);
  });

  test('it comes back with the last id it has heard, however the stream ended', async () => {
    const { backend } = running().backends;
    const client = await open();
    const before = backend.asked.length;
    backend.send('a', '1');
    expect(await client.next()).toBe('a 1');
    backend.end();
    await eventually(() => expect(backend.asked.slice(before)).toEqual(['a']));
    backend.send('b', '2');
    expect(await client.next()).toBe('b 2');
    backend.cut('half of an ev');
    await eventually(() => expect(backend.asked.slice(before)).toEqual(['a', 'b']));
    backend.send('c', '3');
    expect(await client.next()).toBe('c 3');
  });

  test('it outlives the limit of its request', async () => {
    const { backend } = running().backends;
    const client = await open('/bounded');
    const before = backend.asked.length;
    const started = performance.now();
    for (let id = 1; performance.now() - started < 2 * REQUEST_MS; id++) {
      backend.send(id, 'still here');
      expect(await client.next()).toBe(`${id} still here`);
      await eventually(() => expect(performance.now() - started).toBeGreaterThan((id * REQUEST_MS) / 2));
    }
    expect(backend.asked.length).toBe(before);
  });
});

test('a silent stream ends, and the client comes back', async () => {
  const { backend } = running().backends;
  const client = await Listener.open('http', false);
  const before = backend.asked.length;
  backend.send('last', 'words');
  expect(await client.next()).toBe('last words');
  await eventually(() => expect(backend.asked.slice(before)).toEqual(['last']));
});

test('many listeners hear the same event', async () => {
  const { backend } = running().backends;
  const all = await Promise.all(Array.from({ length: 50 }, () => Listener.open('http', false)));
  for (let id = 1; id <= 5; id++) {
    backend.send(id, 'to all');
    expect(new Set(await Promise.all(all.map((each) => each.next())))).toEqual(new Set([`${id} to all`]));
  }
});
