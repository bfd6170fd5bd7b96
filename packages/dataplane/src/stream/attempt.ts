/**
 * One attempt to have a request answered by one endpoint, through its pool.
 *
 * Invariant: after `drop`, after the end and after a failure nothing is told any more, and an exception of whoever is told
 * ends the attempt and not the connection pool. undici cannot be stopped while it connects: a dropped attempt is stopped
 * when it has. Worker thread.
 */
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { Client, Dispatcher } from 'undici';
import type { Upstream } from './pools.js';
import { RequestBody } from './request-body.js';
import { tellSocket } from './request-socket.js';

export interface AttemptRequest {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  /** undefined: the request has no body. */
  readonly body: Readable | undefined;
}

export interface AttemptWatch {
  /** The endpoint has the connection; the head goes out now. */
  onConnected(): void;
  onBodyStart(): void;
  onBodyChunk(bytes: number): void;
  /** The whole request is on its way. */
  onSent(): void;
  /** Interim answers too. `raw`: names and values in turn. */
  onHead(status: number, reason: string, raw: readonly (Buffer | string)[]): void;
  onData(chunk: Buffer): void;
  onDone(trailers: readonly (Buffer | string)[]): void;
  /** `started`: after `onConnected`; `untouched`: no byte of the body was taken. */
  onFailed(error: Error, started: boolean, untouched: boolean): void;
  onFault(error: unknown): void;
}

type Controller = Dispatcher.DispatchController;

export class Attempt implements Dispatcher.DispatchHandler {
  readonly #upstream: Upstream;
  readonly #request: AttemptRequest;
  readonly #watch: AttemptWatch;
  readonly #body: RequestBody | undefined;
  #controller: Controller | undefined;
  #socket: Socket | undefined;
  #dropped: Error | undefined;
  #settled = false;

  constructor(upstream: Upstream, request: AttemptRequest, watch: AttemptWatch) {
    this.#upstream = upstream;
    this.#request = request;
    this.#watch = watch;
    const { body } = request;
    if (body === undefined) return;
    this.#body = new RequestBody(body, {
      onStart: () => this.#tell(() => watch.onBodyStart()),
      onChunk: (bytes) => this.#tell(() => watch.onBodyChunk(bytes)),
      onEnd: () => this.#tell(() => watch.onSent()),
    });
    this.#body.on('error', () => {});
  }

  get started(): boolean {
    return this.#controller !== undefined;
  }

  /** The request's body is whole for another attempt. */
  get untouched(): boolean {
    return this.#body?.started !== true;
  }

  /** `connectMs`: how long it may take to connect. `fresh`: over no connection that has been kept. */
  dispatch(connectMs: number, fresh: boolean): void {
    const { method, path, headers } = this.#request;
    const upstream = this.#upstream;
    upstream.connectMs = upstream.requests === 0 ? connectMs : Math.max(upstream.connectMs, connectMs);
    upstream.requests++;
    try {
      const body = this.#body ?? null;
      const options = { method: method as Dispatcher.HttpMethod, path, headers, body };
      if (fresh) dispatchAlone(upstream.fresh(), options, this);
      else upstream.pool.dispatch(options, this);
    } catch (error) {
      this.#settle();
      this.#watch.onFault(error);
    }
  }

  /** Ends it; nothing is told of it any more. */
  drop(reason: Error): void {
    if (this.#dropped !== undefined) return;
    this.#dropped = reason;
    if (this.#socket !== undefined && !this.#settled) this.#socket.destroy(reason);
    else this.#controller?.abort(reason);
    this.#body?.destroy();
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    if (this.#controller?.paused === true) this.#controller.resume();
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#dropped !== undefined) {
      controller.abort(this.#dropped);
      return;
    }
    tellSocket((socket) => {
      this.#socket = socket;
    });
    this.#tell(() => this.#watch.onConnected());
    if (this.#body === undefined) this.#tell(() => this.#watch.onSent());
  }

  onResponseStart(controller: Controller, status: number, _headers: unknown, reason = ''): void {
    const { rawHeaders } = controller;
    const raw = Array.isArray(rawHeaders) ? rawHeaders : [];
    this.#tell(() => this.#watch.onHead(status, reason, raw));
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    this.#tell(() => this.#watch.onData(chunk));
  }

  onResponseEnd(controller: Controller): void {
    this.#settle();
    const { rawTrailers } = controller;
    this.#tell(() => this.#watch.onDone(Array.isArray(rawTrailers) ? rawTrailers : []));
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#settle();
    this.#tell(() => this.#watch.onFailed(error, this.started, this.untouched));
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#upstream.requests--;
  }

  #tell(what: () => void): void {
    if (this.#dropped !== undefined) return;
    try {
      what();
    } catch (error) {
      this.drop(new Error('internal', { cause: error }));
      this.#watch.onFault(error);
    }
  }
}

/** Its connection ends with the request. */
function dispatchAlone(client: Client, options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
  client.dispatch(options, handler);
  client.close().catch(() => {});
}
