import { GROUPS_MAX } from '@sluice/shared/snapshot/groups';
import { describe, expect, it } from 'vitest';
import { REFUSALS } from '../policy/refusal.js';
import {
  BUCKETS_S,
  bucketCell,
  CONNECT_AT,
  createMeters,
  openMeters,
  ROW_CELLS,
  STATUSES,
  SUM_CELL,
  statusCell,
  UPGRADE_AT,
} from './meter-cells.js';
import { createHandshakeMeters } from './meters.js';

describe('the cells of a row', () => {
  it('give every status of the gateway its own, and all others one', () => {
    const own = Object.values(REFUSALS).map(({ status }) => status);
    for (const status of [101, ...own]) expect(STATUSES[statusCell(status)]).toBe(status);
    for (const status of [0, 100, 299, 418, 599, 999, 70_000, -1]) expect(statusCell(status)).toBe(STATUSES.length);
  });

  it('put a value into the first bucket that is not below it', () => {
    expect(bucketCell(0)).toBe(0);
    expect(bucketCell(0.5)).toBe(0);
    expect(bucketCell(0.500001)).toBe(1);
    BUCKETS_S.forEach((bound, place) => {
      expect(bucketCell(bound * 1000)).toBe(place);
    });
    expect(bucketCell(10_001)).toBe(BUCKETS_S.length);
    expect(bucketCell(Number.POSITIVE_INFINITY)).toBe(BUCKETS_S.length);
  });
});

describe('meters', () => {
  it('count in the row of their group alone, and go on where a predecessor stopped', () => {
    const buffer = createMeters();
    const last = GROUPS_MAX - 1;
    for (const meters of [createHandshakeMeters(buffer), createHandshakeMeters(buffer)]) {
      meters.answered(last, 101);
      meters.answered(last, 418);
      meters.connected(last, 0.2);
      meters.upgraded(last, 3);
      meters.upgraded(last, -1);
    }
    const { rows, lagUs } = openMeters(buffer);
    const row = rows.subarray(last * ROW_CELLS);
    expect(row.length).toBe(ROW_CELLS);
    expect([row[statusCell(101)], row[statusCell(418)]]).toEqual([2, 2]);
    expect([row[CONNECT_AT], row[CONNECT_AT + SUM_CELL]]).toEqual([2, 0.4]);
    expect([row[UPGRADE_AT], row[UPGRADE_AT + bucketCell(3)], row[UPGRADE_AT + SUM_CELL]]).toEqual([2, 2, 6]);
    const counted = row.reduce((sum, value) => sum + Number(value > 0), 0);
    expect(counted).toBe(7);
    expect(rows.subarray(0, last * ROW_CELLS).every((value) => value === 0)).toBe(true);
    expect(lagUs[0]).toBe(0);
  });

  it('refuse memory of another layout', () => {
    expect(() => openMeters(new SharedArrayBuffer(64))).toThrow('meters are 64 bytes');
  });
});
