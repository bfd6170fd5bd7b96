/** The part of `http-proxy` (which ships no types) that the benchmark uses. */
declare module 'http-proxy' {
  import type { IncomingMessage, ServerResponse } from 'node:http';
  import type { Duplex } from 'node:stream';

  interface ProxyServer {
    web(request: IncomingMessage, response: ServerResponse): void;
    ws(request: IncomingMessage, socket: Duplex, head: Buffer): void;
    on(event: 'error', listener: (error: Error) => void): void;
  }

  interface ProxyOptions {
    target: { host: string; port: number };
    ws: boolean;
    xfwd: boolean;
  }

  const httpProxy: { createProxyServer(options: ProxyOptions): ProxyServer };
  export default httpProxy;
}
