/**
 * Binds the Gateway listeners: one native socket a distinct port, on one address.
 *
 * Without `--bind` it is `::`, which takes IPv4 too, or `0.0.0.0` where the machine has no IPv6. What cannot be bound is
 * one clear line and exit code 4. Primary thread.
 */

import { ExitCode, ExitError } from '@sluice/shared/cli/exit-codes';
import type { Snapshot } from '@sluice/shared/snapshot/snapshot';
import type { Options } from '../cli/options.js';
import type { ListenOptions, Native } from '../engine/binding.js';
import type { PlannedPort } from './ports.js';

/** A Gateway listener and where it can be reached, as in the ready line. */
export interface BoundListener {
  readonly gateway: string;
  readonly listener: string;
  readonly address: string;
  readonly port: number;
}

const EVERY_ADDRESS = '::';
const EVERY_IPV4_ADDRESS = '0.0.0.0';
const NO_ADDRESS: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

const CAUSES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use (EADDRINUSE); stop what listens there',
  EACCES: 'permission denied (EACCES); ports below 1024 need CAP_NET_BIND_SERVICE',
  EPERM: 'permission denied (EPERM); ports below 1024 need CAP_NET_BIND_SERVICE',
};
const WRONG_ADDRESS = 'this machine does not have this address';

/** `[::1]:80`, `127.0.0.1:80`. */
export function hostPortText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The ExitError of an address that cannot be bound; `advice` says how to choose another one. */
export function bindError(error: unknown, address: string, port: number, advice: string): ExitError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const cause = NO_ADDRESS.has(code) ? `${WRONG_ADDRESS} (${code})` : (CAUSES[code] ?? `${message} (${code})`);
  const line = `sluice: cannot listen on ${hostPortText(address, port)}: ${cause}${code in CAUSES ? `, or ${advice}` : ''}`;
  return new ExitError(ExitCode.bind, line, { cause: error });
}

function listenOptions(options: Options, address: string, port: number, tag: number, logFields: string): ListenOptions {
  const { backlog, reusePort, deferAcceptS, keepaliveIdleS, keepaliveIntervalS, keepaliveCount, userTimeoutMs } =
    options;
  return {
    address,
    port,
    backlog,
    reusePort,
    deferAcceptS,
    tag,
    group: tag,
    logFields,
    keepaliveIdleS,
    keepaliveIntervalS,
    keepaliveCount,
    userTimeoutMs,
  };
}

/** The address to bind everything on: what was given, or `::` when a listener on it can be made. */
function listenAnywhere(
  native: Native,
  listen: ListenOptions,
  given: string | undefined,
): ListenOptions & { bound: number } {
  try {
    return { ...listen, bound: native.listen(listen).port };
  } catch (error) {
    const fallback = given === undefined && listen.address === EVERY_ADDRESS;
    if (!fallback || !NO_ADDRESS.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return listenAnywhere(native, { ...listen, address: EVERY_IPV4_ADDRESS }, given);
  }
}

/**
 * Binds every planned port. `logFields` gives the access-log fields of a port's silent connections. Throws ExitError.
 */
export function bindListeners(
  native: Native,
  options: Options,
  snapshot: Snapshot,
  plan: readonly PlannedPort[],
  logFields: (tag: number) => string,
): readonly BoundListener[] {
  let address = options.bind ?? EVERY_ADDRESS;
  return plan.flatMap(({ bind, port: declared, listeners }, tag) => {
    try {
      const listening = listenAnywhere(
        native,
        listenOptions(options, address, bind, tag, logFields(tag)),
        options.bind,
      );
      address = listening.address;
      return listeners.map((index) => {
        const { gateway = '', name = '' } = snapshot.listeners[index] ?? {};
        return { gateway, listener: name, address, port: listening.bound };
      });
    } catch (error) {
      throw bindError(error, address, bind, `bind another port with --port-map ${declared}=PORT`);
    }
  });
}
