/**
 * Says when accepting waits, for what, and when it goes on: to a client that is the same as a gateway that is down.
 *
 * Looks once a second, so a wait of a few milliseconds may pass unseen; a line each way, never one per look.
 * Primary thread.
 */
import type { Logger } from '@sluice/shared/log';
import type { Native } from '../engine/binding.js';

const INTERVAL_MS = 1000;

const REASONS = {
  descriptors: 'accepting waits: descriptors run short; raise the limit of open files (ulimit -n)',
  workers:
    'accepting waits: no worker takes connections, or all have as many as they may (--connections-max, --queue-max)',
} as const;

export interface AcceptWatch {
  close(): void;
}

export function watchAccepting(native: Pick<Native, 'descriptors'>, log: Logger): AcceptWatch {
  let before: keyof typeof REASONS | '' = '';
  const look = (): void => {
    const { clients, limit, waitsFor } = native.descriptors();
    if (waitsFor === before) return;
    before = waitsFor;
    const detail = { clients, descriptorLimit: limit };
    if (waitsFor === '') log.info(detail, 'accepting goes on');
    else log.warn(detail, REASONS[waitsFor]);
  };
  const timer = setInterval(look, INTERVAL_MS);
  return { close: () => clearInterval(timer) };
}
