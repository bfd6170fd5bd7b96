/**
 * A process with one engine that speaks TLS: `tls-engine-main.js`, driven over IPC. Its policy is the smallest there is:
 * dial the backend, splice its 101, pass every other answer on, say why a client or a backend is not good.
 */
import { EventKind, loadNative, RelayMode } from '@sluice/dataplane/engine/binding';
import { attachEngine, type Engine } from '@sluice/dataplane/engine/engine';
import type { EngineEvent, FailedEvent, RequestEvent, ResponseEvent } from '@sluice/dataplane/engine/events';
import { readStats } from '@sluice/dataplane/engine/stats';
import type { ServerName, TlsClientOptions, TlsServerOptions } from '@sluice/dataplane/engine/tls-binding';
import { OPTIONS } from './attachment-thread.js';

export interface NamedContext {
  readonly pattern: string;
  readonly context: TlsServerOptions;
}

export type TlsEngineCall =
  | { readonly call: 'listen'; readonly names: readonly NamedContext[] }
  | { readonly call: 'names'; readonly listener: number; readonly names: readonly NamedContext[] }
  | { readonly call: 'backend'; readonly port: number; readonly tls: TlsClientOptions | null }
  | { readonly call: 'keys'; readonly keys: string }
  | { readonly call: 'stats' }
  | { readonly call: 'log' }
  | { readonly call: 'usage' };

export type TlsEngineAnswer = { readonly ok: unknown } | { readonly error: string };

const native = loadNative();
const options = { ...OPTIONS, logRingBytes: 1 << 20, requestHeadTimeoutMs: Number(process.argv[2] ?? 10_000) };
const index = native.engineCreate(options);
const log = Buffer.alloc(1 << 20);
const kept: string[] = [];
let backend = { port: 0, tls: 0 };

function answer(id: number, status: string, body: string): void {
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  engine.respond(id, head + body, '"by":"respond"', 0);
}

/** The backend gets what the engine said of the client's TLS as fields of the head. */
function onRequest({ id, head, tls }: RequestEvent): void {
  const more = tls === null ? '' : `x-tls: ${JSON.stringify(tls)}\r\n\r\n`;
  const dial = { address: '127.0.0.1', slot: 0xffff_ffff, connectTimeoutMs: 5_000, answerTimeoutMs: 5_000, group: 0 };
  const sent = more === '' ? head : head.slice(0, -2) + more;
  const dialled = engine.connect(id, { ...dial, ...backend, head: sent });
  if (!dialled) answer(id, '400 Bad Request', tls?.certificateError ?? 'stale');
}

function onResponse({ id, head }: ResponseEvent): void {
  if (head.startsWith('HTTP/1.1 101')) engine.splice(id, head, '"by":"splice"', 0, 0, 0);
  else engine.relay(id, head, RelayMode.untilEof, 0, '"by":"relay"', 0);
}

function onFailed({ id, stage, code, why }: FailedEvent): void {
  answer(id, '502 Bad Gateway', `stage ${stage}, code ${code}: ${why}`);
}

function handle(event: EngineEvent): void {
  if (event.kind === EventKind.request) onRequest(event);
  else if (event.kind === EventKind.response) onResponse(event);
  else if (event.kind === EventKind.failed) onFailed(event);
}

function contexts(names: readonly NamedContext[]): ServerName[] {
  return names.map(({ pattern, context }) => ({ pattern, context: native.tlsServerContext(context) }));
}

/** What the table holds stays alive without its numbers. */
function setNames(listener: number, names: readonly NamedContext[]): void {
  const made = contexts(names);
  native.listenerTls(listener, made, names.length > 0);
  for (const { context } of made) native.tlsContextRelease(context);
}

function listen(names: readonly NamedContext[]): { listener: number; port: number } {
  const { keepaliveIdleS, keepaliveIntervalS, keepaliveCount, userTimeoutMs } = OPTIONS;
  const keepalive = { keepaliveIdleS, keepaliveIntervalS, keepaliveCount, userTimeoutMs };
  const how = { port: 0, backlog: 1_024, reusePort: false, deferAcceptS: 0, tag: 0, group: 0, ...keepalive };
  const bound = native.listen({ address: '127.0.0.1', logFields: '"by":"listener"', held: true, ...how });
  if (names.length > 0) setNames(bound.listener, names);
  native.listenerAdmit(bound.listener);
  return bound;
}

function readLog(): readonly string[] {
  const length = native.logRead(index, log);
  kept.push(...log.toString('utf8', 0, length).split('\n').filter(Boolean));
  return kept;
}

function setBackend(port: number, tls: TlsClientOptions | null): void {
  const before = backend.tls;
  backend = { port, tls: tls === null ? 0 : native.tlsClientContext(tls) };
  if (before !== 0) native.tlsContextRelease(before);
}

function run(message: TlsEngineCall): unknown {
  if (message.call === 'listen') return listen(message.names);
  if (message.call === 'names') return setNames(message.listener, message.names);
  if (message.call === 'backend') return setBackend(message.port, message.tls);
  if (message.call === 'keys') return native.tlsTicketKeys(Buffer.from(message.keys, 'hex'));
  if (message.call === 'stats') return readStats(native, index);
  if (message.call === 'log') return readLog();
  const { user, system } = process.cpuUsage();
  return { cpuUs: user + system, rssBytes: process.memoryUsage.rss() };
}

process.on('message', (message: TlsEngineCall) => {
  let answered: TlsEngineAnswer;
  try {
    answered = { ok: run(message) ?? null };
  } catch (error) {
    answered = { error: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(answered);
});
process.on('disconnect', () => {
  native.acceptClose();
  native.detach(index);
});

const engine: Engine = attachEngine(native, index, handle);
native.ready(index);
native.acceptStart();
