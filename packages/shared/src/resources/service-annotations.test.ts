import { expect, test } from 'vitest';
import { deployment, gateway, healthCheck, marked, parse, route, service, slice } from '../testing/manifests.js';

function read(annotations: string) {
  const { resources, issues } = parse(service('chat', '{ port: 80 }', 'default', { annotations }));
  expect(issues).toEqual([]);
  return resources.services[0]?.spec.annotations;
}

const ALL = (action: string) => ({ unhealthy: action, draining: action, removed: action });

test.each([
  ['sluice.dev/dns-name: Tasks.Chat', { live: {}, dnsName: 'tasks.chat' }],
  ['sluice.dev/dns-name: my_project-chat-1', { live: {}, dnsName: 'my_project-chat-1' }],
  ['sluice.dev/hash-key: client-address', { live: {}, hashHeader: '' }],
  ['sluice.dev/hash-key: "header:X-User"', { live: {}, hashHeader: 'x-user' }],
  ['sluice.dev/drain-deadline: 1m30s', { live: {}, drainDeadlineMs: 90_000 }],
  ['sluice.dev/close-window: "0"', { live: {}, closeWindowMs: 0 }],
  ['sluice.dev/live-connections: keep', { live: ALL('keep') }],
  ['sluice.dev/live-connections: drain', { live: ALL('drain') }],
  ['sluice.dev/live-connections: " close"', { live: ALL('close') }],
  ['sluice.dev/live-connections: removed=close', { live: { removed: 'close' } }],
  [
    'sluice.dev/live-connections: "draining = drain, unhealthy=keep ,removed=close"',
    { live: { unhealthy: 'keep', draining: 'drain', removed: 'close' } },
  ],
  ['example.com/anything: x, sluice.development/x: y, plain: z', { live: {} }],
])('%s', (annotations, expected) => expect(read(annotations)).toEqual(expected));

test.each([
  ['dns-name', '§10.0.0.1', '"10.0.0.1" is an IP address'],
  ['dns-name', '§"a b"', '"a b" is not a DNS name'],
  ['dns-name', '§""', '"" is not a DNS name'],
  ['hash-key', '§cookie', '"cookie" is not a hash key'],
  ['hash-key', '§"header:"', '"header:" is not a hash key'],
  ['hash-key', '§"header:a b"', '"header:a b" is not a hash key'],
  ['drain-deadline', '§soon', '"soon" is not a duration'],
  ['drain-deadline', '§25h', '"25h" is out of range'],
  ['close-window', '§-1s', '"-1s" is not a duration'],
  ['close-window', '§5', 'must be a string, not the number 5'],
  ['live-connections', '§kill', '"kill" is not an action for live connections'],
  ['live-connections', '§unhealthy=kill', '"unhealthy=kill" is not an action for live connections'],
  ['live-connections', '§gone=keep', '"gone=keep" is not an action for live connections'],
  ['live-connections', '§removed=keep=close', '"removed=keep=close" is not an action for live connections'],
  [
    'live-connections',
    '§"removed=keep,removed=close"',
    '"removed=keep,removed=close" is not an action for live connections',
  ],
])('sluice.dev/%s: %s is refused', (name, value, message) => {
  const annotations = `sluice.dev/${name}: ${value}`;
  const { text, line, column } = marked(service('chat', '{ port: 80 }', 'default', { annotations }));
  const path = `metadata.annotations["sluice.dev/${name}"]`;
  expect(parse(text).issues).toMatchObject([{ severity: 'error', line, column, path, message }]);
});

test('an annotation of ours that nobody knows is an error at its key, with the known ones', () => {
  const annotations = 'a: b, §sluice.dev/live-connection: keep';
  const { text, line, column } = marked(service('chat', '{ port: 80 }', 'default', { annotations }));
  const { issues } = parse(text);
  expect(issues).toMatchObject([{ severity: 'error', line, column, message: 'unknown annotation' }]);
  expect(issues[0]?.path).toBe('metadata.annotations["sluice.dev/live-connection"]');
  for (const name of ['dns-name', 'hash-key', 'live-connections', 'drain-deadline', 'close-window']) {
    expect(issues[0]?.hint).toContain(`sluice.dev/${name}`);
  }
});

test.each([gateway(), route(), healthCheck(), slice(), deployment()])(
  'an annotation of ours on a kind that reads none is an error at its key',
  (manifest) => {
    const annotated = manifest.replace('metadata: {', 'metadata: { annotations: { a: 1, §sluice.dev/dns-name: b },');
    const { text, line, column } = marked(annotated);
    const message = 'is not read on this kind';
    expect(parse(text).issues).toMatchObject([{ severity: 'error', line, column, message }]);
  },
);
