/**
 * Binds the Gateway listeners: one native socket a distinct port, on one address.
 *
 * Without `--bind` it is `::`, which takes IPv4 too, or `0.0.0.0` where the machine has no IPv6. What cannot be bound is
 * one clear line and exit code 4. Primary thread.
 */

import { bindError, NO_ADDRESS } from '@sluice/shared/admin/bind-error';
import type { SnapshotView } from '@sluice/shared/snapshot/view';
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

function listenOptions(
  options: Options,
  address: string,
  port: number,
  { tag, group, logFields }: Pick<ListenOptions, 'tag' | 'group' | 'logFields'>,
): ListenOptions {
  const { backlog, reusePort, deferAcceptS, keepaliveIdleS, keepaliveIntervalS, keepaliveCount, userTimeoutMs } =
    options;
  return {
    address,
    port,
    backlog,
    reusePort,
    deferAcceptS,
    tag,
    group,
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
 * Binds every planned port. `logFields` gives the access-log fields of a port's silent connections, `group` the metric
 * group of what its listeners share. Throws ExitError.
 */
export function bindListeners(
  native: Native,
  options: Options,
  snapshot: Pick<SnapshotView, 'listeners'>,
  plan: readonly PlannedPort[],
  logFields: (tag: number) => string,
  group: (listeners: readonly number[]) => number,
): readonly BoundListener[] {
  let address = options.bind ?? EVERY_ADDRESS;
  return plan.flatMap(({ bind, port: declared, listeners }, tag) => {
    try {
      const listening = listenAnywhere(
        native,
        listenOptions(options, address, bind, { tag, group: group(listeners), logFields: logFields(tag) }),
        options.bind,
      );
      address = listening.address;
      return listeners.map((index) => {
        const { gateway = '', name = '' } = snapshot.listeners[index] ?? {};
        return { gateway, listener: name, address, port: listening.bound };
      });
    } catch (error) {
      throw bindError('sluice', error, { address, port: bind }, `bind another port with --port-map ${declared}=PORT`);
    }
  });
}
