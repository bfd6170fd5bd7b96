/**
 * What a person reads when an address cannot be bound: the address, the cause in words, and what to do about it.
 *
 * Pure; any process.
 */
import { ExitCode, ExitError } from '../cli/exit-codes.js';
import type { HostPort } from '../cli/option-values.js';
import { hostPort } from '../snapshot/endpoint-key.js';

/** The machine has no such address: another one may do. */
export const NO_ADDRESS: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

const CAUSES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use (EADDRINUSE); stop what listens there',
  EACCES: 'permission denied (EACCES); ports below 1024 need CAP_NET_BIND_SERVICE',
  EPERM: 'permission denied (EPERM); ports below 1024 need CAP_NET_BIND_SERVICE',
};
const WRONG_ADDRESS = 'this machine does not have this address';

/** The ExitError of an address that `program` cannot bind; `advice` says how to choose another one. */
export function bindError(program: string, error: unknown, { address, port }: HostPort, advice: string): ExitError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const cause = NO_ADDRESS.has(code) ? `${WRONG_ADDRESS} (${code})` : (CAUSES[code] ?? `${message} (${code})`);
  const line = `${program}: cannot listen on ${hostPort(address, port)}: ${cause}${code in CAUSES ? `, or ${advice}` : ''}`;
  return new ExitError(ExitCode.bind, line, { cause: error });
}
