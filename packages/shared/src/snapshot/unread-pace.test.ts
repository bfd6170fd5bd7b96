import { expect, test } from 'vitest';
import { compile, gateway, route, service } from '../testing/manifests.js';

const BASE = [gateway(), route(), service()] as const;

/** Paths of the warnings when the object of this kind has these annotations too. */
function warned(kind: 'Gateway' | 'HTTPRoute' | 'Service', annotations: string): string[] {
  const texts = BASE.map((text) =>
    text.includes(`kind: ${kind}\n`)
      ? text.replace(/metadata: \{ /, `metadata: { annotations: { ${annotations} }, `)
      : text,
  );
  const { issues } = compile(...texts);
  expect(issues.every(({ severity }) => severity === 'warning')).toBe(true);
  return issues
    .filter(({ message }) => message.startsWith('is read only where connections'))
    .map(({ path }) => path.replace('metadata.annotations', ''));
}

const PACE = 'sluice.dev/drain-deadline: 5s, sluice.dev/close-window: 5s';
const DEADLINE = '["sluice.dev/drain-deadline"]';
const WINDOW = '["sluice.dev/close-window"]';

test.each(['Gateway', 'HTTPRoute', 'Service'] as const)('%s: a pace of what never happens is a warning', (kind) => {
  expect(warned(kind, PACE)).toEqual([DEADLINE, WINDOW]);
  expect(warned(kind, `${PACE}, sluice.dev/live-connections: keep`)).toEqual([DEADLINE, WINDOW]);
  expect(warned(kind, `${PACE}, sluice.dev/live-connections: close`)).toEqual([DEADLINE]);
  expect(warned(kind, `${PACE}, sluice.dev/live-connections: drain`)).toEqual([]);
});

test('of a Service one event that drains is enough', () => {
  expect(warned('Service', `${PACE}, sluice.dev/live-connections: "removed=drain"`)).toEqual([]);
});
