/**
 * docs/health.md against the code: its manifests are right, and its table of annotations is complete.
 */
import { readFileSync } from 'node:fs';
import { ANNOTATIONS } from '@sluice/shared/resources/annotations';
import { parseResources } from '@sluice/shared/resources/parse';
import { describe, expect, it } from 'vitest';

const SERVICE_ANNOTATIONS = Object.values(ANNOTATIONS.Service).map((annotation) => annotation.key);
const TEXT = readFileSync(new URL('../../docs/health.md', import.meta.url), 'utf8');

describe('docs/health.md', () => {
  const manifests = [...TEXT.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => `${text}`);

  it('has a manifest of each policy', () => {
    const kinds = manifests.map((text) => /^kind: (\w+)$/m.exec(text)?.[1]);
    expect(kinds).toEqual(
      expect.arrayContaining(['Service', 'HealthCheckPolicy', 'BackendLoadBalancingPolicy', 'RoutePolicy']),
    );
  });

  it.each(manifests)('has only manifests that are read without an issue', (text) => {
    expect(parseResources([{ file: 'docs/health.md', text }]).issues).toEqual([]);
  });

  it('names every annotation, and no other', () => {
    const named = [...TEXT.matchAll(/^\| `(sluice\.dev\/[a-z-]+)` \| /gm)].map(([, name]) => name);
    expect(named).toEqual([...SERVICE_ANNOTATIONS]);
    for (const [used] of TEXT.matchAll(/sluice\.dev\/[a-z-]+/g)) expect(SERVICE_ANNOTATIONS).toContain(used);
  });
});
