import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Judgement, judge, settledJudgement, type Verdict } from './thresholds.js';

const verdicts = (start: Verdict, probes: string, healthyThreshold: number, unhealthyThreshold: number): Verdict[] => {
  let judgement: Judgement = settledJudgement(start);
  return [...probes].map((probe) => {
    judgement = judge(judgement, probe === '+', { healthyThreshold, unhealthyThreshold });
    return judgement.verdict;
  });
};
const short = (list: readonly Verdict[]) => list.map((each) => ({ unknown: '?', healthy: 'H', unhealthy: 'U' })[each]);

describe('judge', () => {
  it.each([
    ['one success makes an unknown endpoint healthy', 'unknown', '+', 1, 3, 'H'],
    ['an unknown endpoint stays unknown below both thresholds', 'unknown', '+--+--', 2, 3, '??????'],
    ['failures in a row make it unhealthy', 'unknown', '---', 1, 3, '??U'],
    ['a verdict stands until the threshold', 'healthy', '--+---', 1, 3, 'HHHHHU'],
    ['an unhealthy endpoint needs its successes in a row', 'unhealthy', '+-++', 2, 3, 'UUUH'],
    ['a flapping endpoint keeps its verdict', 'healthy', '-+-+-+-+', 2, 2, 'HHHHHHHH'],
  ] as const)('%s', (_, start, probes, up, down, expected) => {
    expect(short(verdicts(start, probes, up, down)).join('')).toBe(expected);
  });

  it('changes only at the end of a run of probes as long as the threshold, and always then', () => {
    const probe = fc.constantFrom('+', '-');
    const threshold = fc.integer({ min: 1, max: 5 });
    fc.assert(
      fc.property(fc.array(probe, { maxLength: 60 }), threshold, threshold, (probes, up, down) => {
        const found = verdicts('unknown', probes.join(''), up, down);
        let before: Verdict = 'unknown';
        found.forEach((verdict, index) => {
          const seen = probes.slice(0, index + 1).join('');
          const expected = seen.endsWith('+'.repeat(up))
            ? 'healthy'
            : seen.endsWith('-'.repeat(down))
              ? 'unhealthy'
              : before;
          expect(verdict).toBe(expected);
          before = verdict;
        });
      }),
    );
  });
});
