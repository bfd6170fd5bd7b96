/**
 * A barrier between two writes: the kernel's socket table says when the peer has read everything that was sent, so
 * that what is sent next comes in a read of its own. Both ends are on this machine.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { eventually } from './eventually.js';

interface Queues {
  readonly unacknowledged: number;
  readonly unread: number;
}

function portOf(endpoint: string): string {
  return String(Number.parseInt(endpoint.slice(endpoint.indexOf(':') + 1), 16));
}

/** Queues of every IPv4 socket by `localPort>remotePort`. */
function socketTable(): Map<string, Queues> {
  const table = new Map<string, Queues>();
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1)) {
    const [, local = '', remote = '', , queues = ''] = line.trim().split(/\s+/);
    const [unacknowledged = '', unread = ''] = queues.split(':');
    table.set(`${portOf(local)}>${portOf(remote)}`, {
      unacknowledged: Number.parseInt(unacknowledged, 16),
      unread: Number.parseInt(unread, 16),
    });
  }
  return table;
}

function isWaiting(table: ReadonlyMap<string, Queues>, { localPort, remotePort }: Socket): boolean {
  const own = table.get(`${localPort}>${remotePort}`);
  const peer = table.get(`${remotePort}>${localPort}`);
  return (own?.unacknowledged ?? 0) > 0 || (peer?.unread ?? 0) > 0;
}

/** Waits until the peers of all these sockets have read all that was sent to them, or have gone. */
export async function taken(sockets: readonly Socket[], budgetMs = 10_000): Promise<void> {
  await eventually(
    () => {
      const table = socketTable();
      const waiting = sockets.filter((socket) => !socket.destroyed && isWaiting(table, socket)).length;
      if (waiting > 0) {
        throw new Error(`${waiting} peers have not read what was sent`);
      }
    },
    { budgetMs },
  );
}
