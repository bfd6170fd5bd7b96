import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LoadReport, parseLoadReport } from './load-report.js';

const NOTHING: LoadReport = { cpu: 0, memory: 0, application: 0, rps: 0, eps: 0, named: new Map() };

describe('a load report', () => {
  it.each<[string, Partial<LoadReport>]>([
    [
      'cpu_utilization=0.3, mem_utilization=0.8, rps_fractional=10.0, eps=1',
      { cpu: 0.3, memory: 0.8, rps: 10, eps: 1 },
    ],
    ['TEXT cpu_utilization=0.3,rps_fractional=10', { cpu: 0.3, rps: 10 }],
    ['cpu_utilization:0.3,rps_fractional:10', { cpu: 0.3, rps: 10 }],
    ['application_utilization = 1.5 ,\teps=.5', { application: 1.5, eps: 0.5 }],
    ['eps=1e2', { eps: 100 }],
    ['eps=1, rps=7, request_cost.a=2', { eps: 1 }],
    [
      'application_utilization=0.6, rps_fractional=5.0, named_metrics.gpu_utilization=0.85',
      { application: 0.6, rps: 5, named: new Map([['gpu_utilization', 0.85]]) },
    ],
    [
      'JSON {"cpuUtilization": 0.3, "memUtilization": 0.8, "rpsFractional": 10.0, "eps": 1}',
      { cpu: 0.3, memory: 0.8, rps: 10, eps: 1 },
    ],
    [
      'JSON {"cpu_utilization": 0.3, "mem_utilization": 0.8, "rps_fractional": 10, "application_utilization": 2}',
      { cpu: 0.3, memory: 0.8, rps: 10, application: 2 },
    ],
    ['JSON {"namedMetrics": {"gpu": 0.5}}', { named: new Map([['gpu', 0.5]]) }],
    ['JSON {"named_metrics": {"gpu": 0.5}, "utilization": {"x": 1}}', { named: new Map([['gpu', 0.5]]) }],
    ['JSON {"constructor": 3, "__proto__": {"rpsFractional": 1}}', {}],
    ['JSON {}', {}],
  ])('%s', (value, expected) => {
    expect(parseLoadReport(value)).toEqual({ ...NOTHING, ...expected });
  });

  it.each([
    '',
    'TEXT ',
    'TEXT',
    'JSON',
    'JSON ',
    'JSON []',
    'JSON null',
    'JSON 3',
    'JSON {',
    'JSON {"eps": -1}',
    'JSON {"eps": 1e999}',
    'JSON {"eps": 1, "namedMetrics": [1]}',
    'JSON {"eps": 1, "namedMetrics": {"a": "1"}}',
    'JSON {"eps": 1, "namedMetrics": {"": 1}}',
    'JSON {"cpuUtilization": 1, "cpu_utilization": 1}',
    'BIN CAE=',
    'eps',
    'eps=',
    '=1',
    'eps=1,',
    ',eps=1',
    'eps=1;cpu_utilization=2',
    'eps=-1',
    'eps=+1',
    'eps=0x10',
    'eps=NaN',
    'eps=Infinity',
    'eps=1e999',
    'eps=1, eps=2',
    'eps=1=2',
    'named_metrics.=1',
    `eps=${'1'.repeat(5000)}`,
    Array.from({ length: 65 }, (_, index) => `named_metrics.m${index}=1`).join(),
  ])('malformed: %s', (value) => {
    expect(parseLoadReport(value)).toBeUndefined();
  });

  it('is read or not, but never throws and never says what is no number', () => {
    const piece = fc.constantFrom(
      ...[
        'JSON ',
        'TEXT ',
        '{',
        '}',
        '"',
        ':',
        ',',
        '=',
        ' ',
        'eps',
        'rpsFractional',
        'named_metrics.',
        '1e',
        '-',
        '.5',
      ],
      ...['"namedMetrics":', '"cpuUtilization":', '0.3', 'null', '[', ']', '\\u0000', '\xff', '__proto__'],
    );
    const value = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.array(piece, { maxLength: 30 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(value, (text) => {
        const report = parseLoadReport(text);
        if (report === undefined) return;
        const { named, ...numbers } = report;
        for (const number of [...Object.values(numbers), ...named.values()]) {
          expect(Number.isFinite(number) && number >= 0).toBe(true);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
