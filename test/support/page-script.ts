/** What the page of the browser tests knows: functions that a test calls by `ask(page, name, …)`. Plain JavaScript, as text. */
import type { Page } from 'playwright-core';

const SCRIPT = `
const sockets = new Map();

function open(path, protocol = 'wss:') {
  const socket = new WebSocket(protocol + '//' + location.host + path);
  socket.binaryType = 'arraybuffer';
  const messages = [];
  const waiting = [];
  socket.onmessage = ({ data }) => (waiting.length > 0 ? waiting.shift()(data) : messages.push(data));
  const closed = new Promise((resolve) => {
    socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
  });
  const next = () => new Promise((resolve) => (messages.length > 0 ? resolve(messages.shift()) : waiting.push(resolve)));
  sockets.set(path, { socket, closed, next });
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(socket.extensions);
    closed.then(({ code }) => reject(new Error('closed with ' + code)));
  });
}

async function echoText(path, text) {
  const { socket, next } = sockets.get(path);
  socket.send(text);
  return await next();
}

/** Random bytes, a few at a time for the generator's sake; whether they came back as they were. */
async function echoBytes(path, size) {
  const { socket, next } = sockets.get(path);
  const sent = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(sent.subarray(at, Math.min(size, at + 65536)));
  socket.send(sent);
  const back = new Uint8Array(await next());
  return back.length === size && back.every((byte, at) => byte === sent[at]);
}

function close(path, code, reason) {
  const { socket, closed } = sockets.get(path);
  if (code !== undefined) socket.close(code, reason);
  return closed;
}

function protocolOf() {
  return performance.getEntriesByType('navigation')[0].nextHopProtocol;
}

async function upload(pieces) {
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (sent === pieces) return controller.close();
      controller.enqueue(new Uint8Array(16384).fill(sent % 256));
      sent += 1;
    },
  });
  const answer = await fetch('/upload', { method: 'POST', body, duplex: 'half' });
  const back = new Uint8Array(await answer.arrayBuffer());
  return back.length === pieces * 16384 && back.every((byte, at) => byte === Math.floor(at / 16384) % 256);
}

let heard;
let listening;
function listen() {
  const events = [];
  let waiter;
  listening = new EventSource('/events');
  listening.onmessage = ({ data }) => (waiter === undefined ? events.push(data) : waiter(data));
  heard = () => new Promise((resolve) => (events.length > 0 ? resolve(events.shift()) : (waiter = (data) => { waiter = undefined; resolve(data); })));
  return new Promise((resolve) => (listening.onopen = () => resolve()));
}

let client;
async function socketIo() {
  const script = document.createElement('script');
  script.src = '/socket.io/socket.io.js';
  await new Promise((resolve, reject) => { script.onload = resolve; script.onerror = reject; document.head.append(script); });
  client = io({ forceNew: true });
  const first = client.io.engine.transport.name;
  await new Promise((resolve, reject) => { client.once('connect', resolve); client.once('connect_error', reject); });
  const echoes = Promise.all(Array.from({ length: 20 }, (_, n) => client.emitWithAck('echo', n)));
  if (client.io.engine.transport.name !== 'websocket') await new Promise((resolve) => client.io.engine.once('upgrade', resolve));
  return { first, echoed: await echoes, last: client.io.engine.transport.name };
}
`;

export async function addScript(page: Page): Promise<void> {
  await page.addScriptTag({ content: SCRIPT });
}

/** Calls a function of the page; values are JSON. */
export async function ask<T>(page: Page, name: string, ...values: readonly unknown[]): Promise<T> {
  return await page.evaluate<T>(`${name}(${values.map((value) => JSON.stringify(value)).join(',')})`);
}
