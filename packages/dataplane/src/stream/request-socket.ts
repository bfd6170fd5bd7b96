/**
 * The socket that undici writes a request to, which only its diagnostics tell.
 *
 * Whoever gives a request up closes that socket: undici's own abort would put the request back in front of its queue, find
 * that it was aborted only when it has connected anew, and keep that connection for nothing. Worker thread.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

type Told = (socket: Socket) => void;

/** Whose head is written next: in the turn in which it begins, and before another one does. */
let beginning: Told | undefined;

subscribe('undici:client:sendHeaders', (message) => {
  const told = beginning;
  beginning = undefined;
  told?.((message as { readonly socket: Socket }).socket);
});

/** `told`: of the socket of the request that begins now; not at all when it is aborted meanwhile. */
export function tellSocket(told: Told): void {
  beginning = told;
}
