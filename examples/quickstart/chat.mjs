/**
 * `npm run chat [-- NAME [URL]]`: a chat client for the terminal, through the gateway. What you type is one text
 * message a line; what comes is printed above the prompt. With a URL of /echo it shows every line coming back.
 * Ctrl-C or Ctrl-D leaves. Exit codes: 0 left by you; 1 not connected, refused or closed by the other side.
 */
import { userInfo } from 'node:os';
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

const CONNECT_TIMEOUT_MS = 10_000;

function userName() {
  try {
    return userInfo().username;
  } catch {
    return 'somebody';
  }
}

const name = process.argv[2] ?? process.env.USER ?? userName();
const address = process.argv[3] ?? `ws://127.0.0.1:${process.env.PORT ?? 8080}/chat`;

function end(code, line) {
  if (line !== undefined) console.error(line);
  process.exit(code);
}

function parseUrl(text) {
  try {
    const url = new URL(text);
    url.searchParams.set('name', name);
    return url;
  } catch {
    return end(1, `"${text}" is not a URL: npm run chat -- NAME ws://127.0.0.1:8080/chat`);
  }
}

/** What others typed must not move the cursor or change the title of this terminal. */
function printable(text) {
  return text.replace(/\p{Cc}/gu, (char) => (char === '\n' || char === '\t' ? char : ''));
}

const url = parseUrl(address);
let leaving = false;
let connected = false;
const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: '> ' });
const interactive = process.stdin.isTTY === true && process.stdout.isTTY === true;

function show(line) {
  if (interactive) process.stdout.write('\r\x1b[K');
  console.log(printable(line));
  if (interactive) terminal.prompt(true);
}

let client;
try {
  client = new WebSocket(url, { handshakeTimeout: CONNECT_TIMEOUT_MS });
} catch (error) {
  end(1, `Cannot connect to ${address}: ${error.message}`);
}

function leave() {
  leaving = true;
  if (!connected) end(0);
  client.close(1000);
}

client.on('open', () => {
  connected = true;
  if (interactive) terminal.prompt();
});
client.on('message', (data) => show(String(data)));
client.on('unexpected-response', (_request, response) => {
  let body = '';
  response.on('data', (part) => {
    body = (body + part).slice(0, 500);
  });
  response.on('close', () => end(1, `${address} answered ${response.statusCode}: ${printable(body).trim()}`));
});
client.on('error', (error) => {
  if (error.code === 'ECONNREFUSED')
    end(1, `Nobody listens at ${url.host}: is the gateway running? Start it with  npm start`);
  end(1, `The connection to ${url.host} failed: ${error.message || error.code}`);
});
client.on('close', (code, reason) => {
  end(
    leaving ? 0 : 1,
    leaving ? undefined : `The connection was closed: ${code} ${printable(String(reason))}`.trimEnd(),
  );
});

// Lines typed (or piped in) before the handshake is through wait for it.
terminal.on('line', (line) => {
  if (line !== '') {
    if (connected) client.send(line);
    else client.once('open', () => client.send(line));
  }
  if (interactive) terminal.prompt();
});
terminal.on('SIGINT', leave);
terminal.on('close', () => {
  if (connected) leave();
  else client.once('open', leave);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, leave);
