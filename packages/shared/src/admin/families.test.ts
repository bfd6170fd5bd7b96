import { describe, expect, it } from 'vitest';
import { Families } from './families.js';

async function lines(families: Families): Promise<string[]> {
  return (await (await families.page()).text()).split('\n').filter((line) => line !== '');
}

describe('metric families', () => {
  it('are read at each scrape', async () => {
    const families = new Families();
    let value = 1;
    families.counter('a_total', 'What a is.', [], () => value);
    expect(await lines(families)).toEqual(['# HELP a_total What a is.', '# TYPE a_total counter', 'a_total 1']);
    value = 2 ** 53 - 1;
    expect((await lines(families)).at(-1)).toBe('a_total 9007199254740991');
  });

  it('have labels, own and shared, escaped', async () => {
    const families = new Families();
    const sharedLabels = { route: 'a"b\\c\n' };
    families.gauge('g', 'G.', ['route', 'status'], () => [{ labels: { status: '101' }, sharedLabels, value: -0.5 }]);
    expect((await lines(families)).at(-1)).toBe('g{status="101",route="a\\"b\\\\c\\n"} -0.5');
  });

  it('may have nothing to say', async () => {
    const families = new Families();
    families.gauge('g', 'G.', [], () => undefined);
    expect(await lines(families)).toEqual(['# HELP g G.', '# TYPE g gauge']);
  });

  it('accumulate buckets', async () => {
    const families = new Families();
    const labels = { service: 's' };
    families.histogram('h_seconds', 'H.', ['service'], [0.5, 1], () => [{ labels, counts: [2, 0, 3], sum: 8.5 }]);
    expect((await lines(families)).slice(1)).toEqual([
      '# TYPE h_seconds histogram',
      'h_seconds_bucket{le="0.5",service="s"} 2',
      'h_seconds_bucket{le="1",service="s"} 2',
      'h_seconds_bucket{le="+Inf",service="s"} 5',
      'h_seconds_sum{service="s"} 8.5',
      'h_seconds_count{service="s"} 5',
    ]);
  });

  it('cannot have one name twice', async () => {
    const families = new Families();
    families.gauge('g', 'G.', [], () => 1);
    families.gauge('g', 'G.', [], () => 1);
    await expect(families.page()).rejects.toThrow('already');
  });

  it.each([
    ['a-b', 'label'],
    ['g', 'a.b'],
  ])('have names that Prometheus takes: %s, %s', async (name, label) => {
    const families = new Families();
    families.gauge(name, 'G.', [label], () => []);
    await expect(families.page()).rejects.toThrow('Invalid');
  });

  it('say what is no number, and what has no end', async () => {
    const families = new Families();
    families.gauge('g', 'One\nback\\slash.', [], () => Number.NaN);
    families.gauge('h', 'H.', [], () => Number.NEGATIVE_INFINITY);
    families.gauge('i', 'I.', [], () => Number.POSITIVE_INFINITY);
    const page = await lines(families);
    expect(page[0]).toBe('# HELP g One\\nback\\\\slash.');
    expect([page[2], page[5], page[8]]).toEqual(['g Nan', 'h -Inf', 'i +Inf']);
  });
});
