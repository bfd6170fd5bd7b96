import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heartbeatOf, messageToTable, parseMessage, parseMessageText, tableToMessage } from './table-codec.js';
import { record, setStatus, table } from './testing.js';

const stamp = { epoch: 10, version: 1, timestampMs: 5_000, publisher: 'a' };

describe('parseMessage', () => {
  it('takes each kind through JSON unchanged', () => {
    for (const message of [
      tableToMessage(table()),
      heartbeatOf(table()),
      { type: 'delta' as const, ...stamp, ...setStatus(1, 'draining') },
    ]) {
      expect(parseMessageText(JSON.stringify(message))).toEqual(message);
    }
  });

  it('makes the same table again', () => {
    expect(messageToTable(tableToMessage(table()))).toEqual(table());
  });

  it.each([
    ['no object', '7'],
    ['no JSON', '{"type":"heartbeat"'],
    ['another type', JSON.stringify({ ...stamp, type: 'hello' })],
    ['no epoch', JSON.stringify({ ...stamp, type: 'heartbeat', epoch: undefined })],
    ['an epoch that is not exact', JSON.stringify({ ...stamp, type: 'heartbeat', epoch: 2 ** 60 })],
    ['a negative version', JSON.stringify({ ...stamp, type: 'heartbeat', version: -1 })],
    ['a delta without its lists', JSON.stringify({ ...stamp, type: 'delta', set: [] })],
    [
      'a status that does not exist',
      JSON.stringify({ ...tableToMessage(table()), endpoints: [['k', { ...record(1), status: 'fine' }]] }),
    ],
    [
      'a port out of range',
      JSON.stringify({ ...tableToMessage(table()), endpoints: [['k', { ...record(1), port: 65_536 }]] }),
    ],
    [
      'a port that nothing listens on',
      JSON.stringify({ ...tableToMessage(table()), endpoints: [['k', { ...record(1), port: 0 }]] }),
    ],
    [
      'an address that is a name',
      JSON.stringify({ ...tableToMessage(table()), endpoints: [['k', { ...record(1), address: 'localhost' }]] }),
    ],
    ['an entry that is no pair', JSON.stringify({ ...tableToMessage(table()), endpoints: [['k']] })],
  ])('refuses %s', (_what, text) => {
    expect(parseMessageText(text)).toBeNull();
  });

  it('never throws, whatever it is given', () => {
    fc.assert(fc.property(fc.anything(), (value) => void parseMessage(value)));
    fc.assert(
      fc.property(fc.constantFrom('table', 'delta', 'heartbeat'), fc.jsonValue(), fc.jsonValue(), (type, a, b) => {
        void parseMessage({
          ...stamp,
          type,
          endpoints: a,
          services: b,
          set: b,
          remove: a,
          addServices: a,
          removeServices: b,
        });
      }),
    );
  });
});
