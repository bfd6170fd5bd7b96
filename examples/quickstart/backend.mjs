/**
 * A demo WebSocket backend: `/echo` sends every message back, `/chat` is a chat room, GET / answers 200.
 *
 *   node examples/quickstart/backend.mjs [port] [name]     BACKEND_HOST=0.0.0.0 for every address
 *
 * Run alone, its room is its own. Run by start.mjs (over an IPC channel) it passes the lines of its room on, and
 * start.mjs hands them to the other backend: so people who the gateway sent to different backends share one room.
 */
import { createServer } from 'node:http';
import { hostname } from 'node:os';
import { WebSocketServer } from 'ws';

const host = process.env.BACKEND_HOST ?? '127.0.0.1';
const port = Number(process.argv[2] ?? 9101);
const backendName = process.argv[3] ?? hostname();
const NAME_MAX = 32;
const LINE_BYTES_MAX = 16 * 1024;

const echo = new WebSocketServer({ noServer: true });
const chat = new WebSocketServer({ noServer: true, maxPayload: LINE_BYTES_MAX });

function tell(line, except) {
  for (const client of chat.clients) {
    if (client !== except) client.send(line);
  }
}

/** To everybody in the room but the one whose line it is, on this backend and on the other. */
function say(line, speaker) {
  tell(line, speaker);
  process.send?.({ line });
}

function chatName(url) {
  const name = new URL(url, 'http://backend').searchParams.get('name') ?? '';
  return name.replace(/[^\p{L}\p{N} ._-]/gu, '').slice(0, NAME_MAX) || 'somebody';
}

echo.on('connection', (client) => {
  client.on('error', () => client.terminate());
  client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
});

chat.on('connection', (client, request) => {
  const name = chatName(request.url);
  client.on('error', () => client.terminate());
  client.on('message', (data) => say(`${name}: ${data}`, client));
  client.on('close', () => say(`* ${name} left`, client));
  client.send(`* Hello ${name}, you are on backend ${backendName}.`);
  say(`* ${name} joined on backend ${backendName}`, client);
});

const server = createServer((_request, response) => {
  response.setHeader('content-type', 'text/plain');
  response.end(`backend ${backendName}: WebSockets at /echo and /chat\n`);
});

server.on('upgrade', (request, socket, head) => {
  socket.on('error', () => socket.destroy());
  const rooms = { '/echo': echo, '/chat': chat };
  const room = rooms[request.url.split('?')[0]];
  if (room === undefined) {
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    return;
  }
  room.handleUpgrade(request, socket, head, (client) => room.emit('connection', client, request));
});

server.on('error', (error) => {
  console.error(`backend ${backendName}: cannot listen on ${host}:${port}: ${error.message}`);
  process.exit(1);
});
server.listen(port, host, () => {
  if (process.send === undefined) console.log(`backend ${backendName}: ws://${host}:${port}/echo and /chat`);
  else process.send({ listening: port });
});

process.on('message', ({ line }) => tell(line));
// The parent is gone, however it ended: never stay behind.
process.on('disconnect', () => process.exit(0));
