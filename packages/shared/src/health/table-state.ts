/**
 * The order of the health bus: what a subscriber does with each message, without any transport.
 *
 * Invariant: the table is always one that a publisher published, whole. Messages may be lost, doubled or reordered;
 * whatever does not follow from the table at hand is ignored when it is older and asks for a re-read when it is newer.
 * A lower epoch is older. A read of an older table (a Redis restored from a snapshot, a replica that lags) changes nothing
 * until its publisher confirms that this is its table.
 */
import type { BusMessage, DeltaMessage, StatusTable, TableChange } from './table.js';
import { applyChange } from './table-change.js';
import { messageToTable, stampOf } from './table-codec.js';

/**
 * - `current`: a sign of life of the publisher whose last table this is;
 * - `changed`, `replaced`: the table is a newer one now;
 * - `older`: ignored;
 * - `behind`: the publisher has a table that cannot be made from this one: read again.
 */
export type Outcome =
  | { readonly kind: 'current' | 'older' | 'behind' | 'replaced' }
  | { readonly kind: 'changed'; readonly change: TableChange };

const CURRENT: Outcome = { kind: 'current' };
const OLDER: Outcome = { kind: 'older' };
const BEHIND: Outcome = { kind: 'behind' };
const REPLACED: Outcome = { kind: 'replaced' };

type Order = 'older' | 'same' | 'next' | 'newer';

export class TableState {
  #table: StatusTable | null = null;
  /** What was read last, when that is older than the table. */
  #offered: StatusTable | null = null;

  get table(): StatusTable | null {
    return this.#table;
  }

  /** A table that comes from the publisher itself, just connected to: taken whatever its epoch. */
  replace(table: StatusTable): void {
    this.#table = table;
    this.#offered = null;
  }

  /** A table that was read. False: it is older than the one at hand, and waits for its publisher's word. */
  offer(table: StatusTable): boolean {
    const held = this.#table;
    if (held !== null && isBefore(table, held)) {
      this.#offered = table;
      return false;
    }
    this.replace(table);
    return true;
  }

  apply(message: BusMessage): Outcome {
    const order = this.#orderOf(message);
    if (order === 'older') return this.#confirm(message);
    if (message.type === 'table') {
      if (order === 'same') return CURRENT;
      this.replace(messageToTable(message));
      return REPLACED;
    }
    if (order === 'same') return CURRENT;
    return message.type === 'delta' && order === 'next' ? this.#change(message) : BEHIND;
  }

  #orderOf({ epoch, version }: BusMessage): Order {
    const table = this.#table;
    if (table === null || epoch > table.epoch) return 'newer';
    if (epoch < table.epoch || version < table.version) return 'older';
    if (version === table.version) return 'same';
    return version === table.version + 1 ? 'next' : 'newer';
  }

  /** A message that is older than the table may say that what was read is the last there is. */
  #confirm(message: BusMessage): Outcome {
    const offered = this.#offered;
    if (offered === null || isBefore(message, offered)) return OLDER;
    if (isBefore(offered, message)) return BEHIND;
    this.replace(offered);
    return REPLACED;
  }

  #change(message: DeltaMessage): Outcome {
    const { addServices, removeServices, set, remove } = message;
    const change = { addServices, removeServices, set, remove };
    const table = this.#table as StatusTable;
    this.#table = { ...stampOf(message), ...applyChange(table, change) };
    return { kind: 'changed', change };
  }
}

type Moment = Pick<StatusTable, 'epoch' | 'version'>;

/** Whether `a` was published before `b`. */
export function isBefore(a: Moment, b: Moment): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.version < b.version);
}
