import { describe, expect, it } from 'vitest';
import { Outbox } from './outbox.js';
import { change, endpoints, keyOf, record, SERVICE, setStatus, table } from './testing.js';

function begun(): Outbox {
  const outbox = new Outbox();
  outbox.begin(null);
  outbox.replace(new Set([SERVICE]), endpoints(1, 2));
  outbox.take();
  return outbox;
}

describe('Outbox', () => {
  it('has nothing to say before it was given a table', () => {
    const outbox = new Outbox();
    outbox.begin(table());
    expect(outbox.pending).toBe(false);
    expect(outbox.version).toBe(-1);
  });

  it('begins a reign with the whole table as version 0', () => {
    const outbox = new Outbox();
    outbox.begin(null);
    outbox.replace(new Set([SERVICE]), endpoints(1));
    expect(outbox.take()).toEqual({ version: 0, change: null, services: new Set([SERVICE]), endpoints: endpoints(1) });
    expect(outbox.pending).toBe(false);
  });

  it('adds a change that comes before any table to the stored one, and sends that whole', () => {
    const outbox = new Outbox();
    outbox.begin(table());
    outbox.change(setStatus(3, 'unknown'));
    expect(outbox.take()).toMatchObject({ version: 0, change: null });
  });

  it('sends several changes as one, the last word on each endpoint', () => {
    const outbox = begun();
    outbox.change(setStatus(1, 'unhealthy'));
    outbox.change(setStatus(1, 'healthy'));
    outbox.change(change({ remove: [keyOf(2)], addServices: ['a/b/1'] }));
    outbox.change(change({ removeServices: ['a/b/1'] }));
    expect(outbox.take()).toMatchObject({
      version: 1,
      change: { set: [[keyOf(1), record(1)]], remove: [keyOf(2)], addServices: [], removeServices: ['a/b/1'] },
    });
    expect(outbox.pending).toBe(false);
  });

  it('follows a parcel that may not have arrived with the whole table, as a new version', () => {
    const outbox = begun();
    outbox.change(setStatus(1, 'unhealthy'));
    outbox.take();
    outbox.repeatWhole();
    outbox.change(setStatus(2, 'draining'));
    expect(outbox.pending).toBe(true);
    const parcel = outbox.take();
    expect(parcel).toMatchObject({ version: 2, change: null });
    expect([...parcel.endpoints.values()].map(({ status }) => status)).toEqual(['unhealthy', 'draining']);
  });

  it('holds no more than the table, however many changes come', () => {
    const outbox = begun();
    for (let count = 0; count < 10_000; count += 1) outbox.change(setStatus(1 + (count % 2), 'unhealthy'));
    expect(outbox.take().change?.set).toHaveLength(2);
  });
});
