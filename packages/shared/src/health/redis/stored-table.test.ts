import { describe, expect, it } from 'vitest';
import { Outbox } from '../outbox.js';
import { change, keyOf, record, SERVICE, setStatus, table } from '../testing.js';
import { fieldChanges, parseStored } from './stored-table.js';

function flatOf(fields: Readonly<Record<string, string>>): string[] {
  return Object.entries(fields).flat();
}

const META = { epoch: '10', version: '0', timestampMs: '5000', publisher: 'a' };

function stored(): string[] {
  const outbox = new Outbox();
  outbox.replace(table().services, table().endpoints);
  return [...fieldChanges(outbox.take()).set, ...flatOf(META)];
}

describe('the table as a hash', () => {
  it('comes back as it was written', () => {
    expect(parseStored(stored())).toEqual(table());
  });

  it('is null when there is none', () => {
    expect(parseStored([])).toBeNull();
  });

  it('writes only what a change touches', () => {
    const outbox = new Outbox();
    outbox.replace(table().services, table().endpoints);
    outbox.take();
    outbox.change(setStatus(1, 'unhealthy'));
    outbox.change(change({ remove: [keyOf(2)], removeServices: [SERVICE], addServices: ['a/b/1'] }));
    expect(fieldChanges(outbox.take())).toEqual({
      set: ['s:a/b/1', '1', `e:${keyOf(1)}`, JSON.stringify(record(1, 'unhealthy'))],
      remove: [`s:${SERVICE}`, `e:${keyOf(2)}`],
    });
  });

  it('is refused when a part of it is damaged', () => {
    expect(() => parseStored([...stored(), 'e:x', '{"port":1'])).toThrow('field e:x');
    expect(() => parseStored(flatOf({ ...META, epoch: '1e3' }))).toThrow('no valid epoch');
    expect(() => parseStored(['s:a/b/1', '1'])).toThrow('no valid epoch');
  });
});
