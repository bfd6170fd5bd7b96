/**
 * Process: a WebSocket proxy made of `http-proxy`, as its README shows it. Arguments: port, backend port.
 * Errors of single connections are theirs alone; the benchmark notices on the client's side.
 */
import { createServer } from 'node:http';
import httpProxy from 'http-proxy';

const [port, backendPort] = process.argv.slice(2).map(Number);
if (port === undefined || backendPort === undefined) throw new Error('usage: http-proxy-server PORT BACKEND_PORT');

const proxy = httpProxy.createProxyServer({ target: { host: '127.0.0.1', port: backendPort }, ws: true, xfwd: true });
proxy.on('error', () => undefined);

const server = createServer((request, response) => proxy.web(request, response));
server.on('upgrade', (request, socket, head) => {
  socket.on('error', () => undefined);
  proxy.ws(request, socket, head);
});
server.listen({ port, host: '127.0.0.1', backlog: 4096 });
