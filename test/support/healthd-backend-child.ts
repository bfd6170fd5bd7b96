/** A backend that is probed, as a process of its own, so that it can be stopped and killed. Started by healthd-backend.ts. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface BackendOrders {
  /** Statuses of the answers from now on, one after the other and over again. */
  readonly statuses: readonly number[];
}
export type BackendReport = { readonly port: number } | { readonly requests: number };

let statuses: readonly number[] = [200];
let requests = 0;
let answered = 0;
const server = createServer((_request, response) => {
  requests += 1;
  response.writeHead(statuses[answered % statuses.length] ?? 500, { 'Content-Length': '0' });
  answered += 1;
  response.end();
  report({ requests });
});

/** The test may have ended. */
function report(message: BackendReport): void {
  if (process.connected) process.send?.(message, () => undefined);
}

process.on('message', (orders: BackendOrders) => {
  statuses = orders.statuses;
  answered = 0;
});
process.on('disconnect', () => process.exit());
const [address = '127.0.0.1', port = '0'] = process.argv.slice(2);
server.listen({ host: address, port: Number(port), backlog: 1024 }, () => {
  report({ port: (server.address() as AddressInfo).port });
});
