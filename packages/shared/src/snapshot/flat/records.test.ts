import { expect, it } from 'vitest';
import { RecordList, RecordWriter } from './records.js';

function written(add: (writer: RecordWriter) => void) {
  const writer = new RecordWriter();
  add(writer);
  return writer.finish();
}

it('records are found by kind and index, whatever characters they have', () => {
  const sections = written((writer) => {
    expect(writer.add('serviceNames', 'ü€😀')).toBe(0);
    expect(writer.addJson('rules', { a: 'ß' })).toBe(0);
    expect(writer.add('serviceNames', '')).toBe(1);
    expect(writer.addJson('rules', [2])).toBe(1);
  });
  const names = new RecordList(sections, 'serviceNames', (text) => text);
  const rules = new RecordList(sections, 'rules', (text): unknown => JSON.parse(text));
  expect([names.at(0), names.at(1), rules.at(0), rules.at(1)]).toEqual(['ü€😀', '', { a: 'ß' }, [2]]);
  expect([names.length, rules.length, rules.all()]).toEqual([2, 2, [{ a: 'ß' }, [2]]]);
});

it('of other kinds and other indexes there is none', () => {
  const sections = written((writer) => writer.add('rules', 'one'));
  const list = (kind: 'listeners' | 'rules' | 'services') => new RecordList(sections, kind, (text) => text);
  expect([list('listeners').at(0), list('services').at(0), list('services').length]).toEqual([undefined, undefined, 0]);
  expect([-1, 1, 0.5, Number.NaN].map((index) => list('rules').at(index))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

it('each is decoded once, when it is asked for', () => {
  const decoded: string[] = [];
  const sections = written((writer) => ['a', 'b', 'c'].map((text) => writer.add('rules', text)));
  const rules = new RecordList(sections, 'rules', (text) => {
    decoded.push(text);
    return { text };
  });
  expect(decoded).toEqual([]);
  expect(rules.at(1)).toBe(rules.at(1));
  expect(decoded).toEqual(['b']);
});

it('shared records are there once', () => {
  const sections = written((writer) => {
    expect(['a', 'b', 'a'].map((text) => writer.share('patterns', text))).toEqual([0, 1, 0]);
    expect(writer.share('conditions', 'a')).toBe(0);
  });
  expect(new RecordList(sections, 'patterns', (text) => text).all()).toEqual(['a', 'b']);
});
