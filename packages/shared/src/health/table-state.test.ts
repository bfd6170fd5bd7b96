import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Outbox } from './outbox.js';
import type { BusMessage, StatusTable } from './table.js';
import { heartbeatOf, messageToTable, tableToMessage } from './table-codec.js';
import { TableState } from './table-state.js';
import { change, contents, endpoints, keyOf, record, SERVICE, setStatus, table } from './testing.js';

function delta(epoch: number, version: number, parts = setStatus(1, 'unhealthy')): BusMessage {
  return { type: 'delta', epoch, version, timestampMs: 6_000, publisher: 'a', ...parts };
}

function holding(initial: StatusTable): TableState {
  const state = new TableState();
  state.replace(initial);
  return state;
}

describe('TableState', () => {
  it('is behind everything before it has a table', () => {
    const state = new TableState();
    expect(state.apply(heartbeatOf(table())).kind).toBe('behind');
    expect(state.apply(delta(10, 0)).kind).toBe('behind');
    expect(state.table).toBeNull();
  });

  it('applies deltas in order and leaves earlier tables as they were', () => {
    const first = table();
    const state = holding(first);
    expect(state.apply(delta(10, 1))).toMatchObject({
      kind: 'changed',
      change: { set: [[keyOf(1), record(1, 'unhealthy')]] },
    });
    expect(state.apply(delta(10, 2, change({ remove: [keyOf(2)] }))).kind).toBe('changed');
    expect(state.table).toMatchObject({ version: 2, timestampMs: 6_000 });
    expect([...(state.table?.endpoints.keys() ?? [])]).toEqual([keyOf(1)]);
    expect(first.endpoints).toEqual(endpoints(1, 2));
  });

  it('asks for a re-read at a gap, and changes nothing', () => {
    const state = holding(table());
    expect(state.apply(delta(10, 2)).kind).toBe('behind');
    expect(state.table?.version).toBe(0);
  });

  it('asks for a re-read when a new epoch begins', () => {
    const state = holding(table({ version: 7 }));
    expect(state.apply(delta(11, 1)).kind).toBe('behind');
    expect(state.apply(heartbeatOf(table({ epoch: 11 }))).kind).toBe('behind');
  });

  it('knows from a heartbeat that a delta was lost', () => {
    const state = holding(table());
    expect(state.apply(heartbeatOf(table())).kind).toBe('current');
    expect(state.apply(heartbeatOf(table({ version: 1 }))).kind).toBe('behind');
  });

  it('ignores duplicates and what is late', () => {
    const state = holding(table({ version: 5 }));
    expect(state.apply(delta(10, 5)).kind).toBe('current');
    expect(state.apply(delta(10, 4)).kind).toBe('older');
    expect(contents(state.table)).toEqual(contents(table()));
  });

  it('ignores a lower epoch until a re-read confirms it', () => {
    const state = holding(table({ epoch: 20 }));
    expect(state.apply(delta(10, 1)).kind).toBe('older');
    expect(state.apply(tableToMessage(table({ epoch: 10, version: 9 }))).kind).toBe('older');
    state.replace(table({ epoch: 10 }));
    expect(state.apply(delta(10, 1)).kind).toBe('changed');
    expect(state.table).toMatchObject({ epoch: 10, version: 1 });
  });

  it('keeps its table when an older one is read, until the publisher of that one confirms it', () => {
    const state = holding(table({ epoch: 20, version: 4 }));
    expect(state.offer(table({ epoch: 10, version: 3 }))).toBe(false);
    expect(state.table).toMatchObject({ epoch: 20, version: 4 });
    expect(state.apply(delta(10, 2)).kind).toBe('older');
    expect(state.apply(delta(10, 4)).kind).toBe('behind');
    expect(state.apply(heartbeatOf(table({ epoch: 20, version: 4 }))).kind).toBe('current');
    expect(state.apply(heartbeatOf(table({ epoch: 10, version: 3 }))).kind).toBe('replaced');
    expect(state.table).toMatchObject({ epoch: 10, version: 3 });
  });

  it('takes a table that is read when it is not older, and forgets an older offer', () => {
    const state = new TableState();
    expect(state.offer(table({ epoch: 10, version: 3 }))).toBe(true);
    expect(state.offer(table({ epoch: 10, version: 2 }))).toBe(false);
    expect(state.offer(table({ epoch: 10, version: 3 }))).toBe(true);
    expect(state.apply(heartbeatOf(table({ epoch: 10, version: 2 }))).kind).toBe('older');
  });

  it('takes a whole table that is newer, also over a gap', () => {
    const state = holding(table());
    expect(state.apply(tableToMessage(table({ version: 4, endpoints: endpoints(3) }))).kind).toBe('replaced');
    expect(state.apply(tableToMessage(table({ epoch: 11, endpoints: endpoints(4) }))).kind).toBe('replaced');
    expect(contents(state.table)).toEqual(contents(table({ endpoints: endpoints(4) })));
  });

  it('removes before it sets, so that what is in both is there', () => {
    const state = holding(table());
    const both = change({
      remove: [keyOf(1)],
      set: [[keyOf(1), record(1)]],
      removeServices: [SERVICE],
      addServices: [SERVICE],
    });
    state.apply(delta(10, 1, both));
    expect(contents(state.table)).toEqual(contents(table()));
  });
});

/** A publisher's life: changes and new reigns. `kept` holds every table that it published, by epoch and version. */
type Step =
  | { readonly kind: 'set'; readonly port: number }
  | { readonly kind: 'remove'; readonly port: number }
  | { readonly kind: 'reign' }
  | { readonly kind: 'unsure' };

const port = fc.integer({ min: 1, max: 5 });
const step = fc.oneof<fc.MaybeWeightedArbitrary<Step>[]>(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('set'), port }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove'), port }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reign') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unsure') }) },
);

class Publisher {
  readonly outbox = new Outbox();
  readonly kept = new Map<string, unknown>();
  readonly messages: BusMessage[] = [];
  epoch = 0;
  last = table({ epoch: 0 });

  constructor() {
    this.reign();
  }

  run(one: Step): void {
    if (one.kind === 'reign') this.reign();
    else if (one.kind === 'unsure') this.outbox.repeatWhole();
    else
      this.outbox.change(one.kind === 'set' ? setStatus(one.port, 'unhealthy') : change({ remove: [keyOf(one.port)] }));
    this.#send();
  }

  reign(): void {
    this.epoch += 1;
    this.outbox.begin(this.last);
    this.outbox.replace(this.last.services, this.last.endpoints);
    this.#send();
  }

  #send(): void {
    if (!this.outbox.pending) return;
    const parcel = this.outbox.take();
    const stamp = { epoch: this.epoch, version: parcel.version, timestampMs: 0, publisher: 'a' };
    this.last = { ...stamp, services: new Set(parcel.services), endpoints: new Map(parcel.endpoints) };
    this.kept.set(`${this.epoch}/${parcel.version}`, contents(this.last));
    this.messages.push(
      parcel.change === null ? tableToMessage(this.last) : { type: 'delta', ...stamp, ...parcel.change },
    );
    this.messages.push(heartbeatOf(stamp));
  }
}

describe('the order of the bus, whatever happens to its messages', () => {
  it('never shows a table that was not published, and converges with one re-read', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 30 }),
        fc.array(fc.record({ at: fc.nat(), read: fc.boolean() }), { maxLength: 80 }),
        (steps, arrivals) => {
          const publisher = new Publisher();
          for (const one of steps) publisher.run(one);
          const state = new TableState();
          for (const { at, read } of arrivals) {
            // Any message, any number of times, in any order; sometimes the read that it asks for.
            const message = publisher.messages[at % publisher.messages.length] as BusMessage;
            if (state.apply(message).kind === 'behind' && read) state.replace(publisher.last);
            const { table: shown } = state;
            if (shown !== null) expect(contents(shown)).toEqual(publisher.kept.get(`${shown.epoch}/${shown.version}`));
          }
          state.replace(messageToTable(tableToMessage(publisher.last)));
          expect(contents(state.table)).toEqual(contents(publisher.last));
          // From here on, in order, no further read is needed.
          publisher.messages.length = 0;
          publisher.run({ kind: 'set', port: 9 });
          expect(publisher.messages.map((message) => state.apply(message).kind)).not.toContain('behind');
          expect(contents(state.table)).toEqual(contents(publisher.last));
        },
      ),
      { numRuns: 300 },
    );
  });
});
