import { expect, test } from 'vitest';
import { brief, compile, documents, gateway, gatewayClass, route } from '../testing/manifests.js';
import { conditionsOf, listenerConditions, parentConditions, statusOf } from '../testing/statuses.js';

const HTTP_8080 = 'name: http, port: 8080, protocol: HTTP';

test.each([
  ['no class at all', []],
  ['a class of another name', [gatewayClass('example.com/other', 'other')]],
  ['a class of ours', [gatewayClass('sluice.dev/gateway')]],
  ["the reference's class", [gatewayClass('alb.networking.azure.io/alb-controller')]],
])('a Gateway is ours with %s', (_, classes) => {
  const result = compile(documents(gateway(), ...classes));
  expect(brief(result.issues)).toEqual([]);
  expect(result.snapshot.listeners).toHaveLength(1);
  expect(conditionsOf(result, 'Gateway', 'main')).toEqual(['Accepted True Accepted', 'Programmed True Programmed']);
});

test("a Gateway of somebody else's class is passed over, with its routes", () => {
  const result = compile(
    documents(
      gateway({ name: 'theirs', className: 'other' }),
      gateway({ listeners: [HTTP_8080] }),
      gatewayClass('example.com/other', 'other'),
      route({ parents: ['name: theirs'] }),
    ),
  );
  expect(brief(result.issues)).toEqual([
    'spec.gatewayClassName: is passed over: GatewayClass other belongs to controller example.com/other',
  ]);
  expect(result.snapshot.listeners.map(({ gateway }) => gateway)).toEqual(['default/main']);
  expect(result.statuses.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['Gateway main', 'HTTPRoute chat']);
  expect(parentConditions(result, 'chat')).toEqual([]);
});

test('a class of ours is accepted, and one of others has no status from us', () => {
  const result = compile(documents(gateway(), gatewayClass('sluice.dev/gateway'), gatewayClass('a.example/b', 'b')));
  expect(conditionsOf(result, 'GatewayClass', 'sluice')).toEqual(['Accepted True Accepted']);
  expect(result.statuses.filter(({ kind }) => kind === 'GatewayClass')).toHaveLength(1);
});

test('addresses are bound in one spelling each, and shown in the status', () => {
  const addresses = ['value: "0::1"', 'type: IPAddress, value: 127.0.0.1', 'value: "::1"'];
  const result = compile(gateway({ addresses }));
  expect(brief(result.issues)).toEqual([]);
  expect(result.snapshot.listeners[0]?.addresses).toEqual(['127.0.0.1', '::1']);
  expect(result.statuses[0]?.addresses).toEqual([
    { type: 'IPAddress', value: '127.0.0.1' },
    { type: 'IPAddress', value: '::1' },
  ]);
});

test('an address that another one includes is not bound beside it', () => {
  const addresses = ['value: 0.0.0.0', 'value: 127.0.0.1', 'value: "::1"'];
  expect(compile(gateway({ addresses })).snapshot.listeners[0]?.addresses).toEqual(['0.0.0.0', '::1']);
});

test.each([
  ['an address that is left to us', 'type: IPAddress'],
  ["a frontend of the reference's cloud", 'type: alb.networking.azure.io/alb-frontend, value: $FRONTEND_NAME'],
])('%s asks for no address', (_, address) => {
  const result = compile(gateway({ addresses: [address] }));
  expect(brief(result.issues)).toEqual([]);
  expect(result.snapshot.listeners[0]?.addresses).toEqual([]);
  expect(result.statuses[0]?.addresses).toBeUndefined();
});

test.each([
  ['type: Hostname, value: chat.example.com', 'an address of type Hostname cannot be bound: the Gateway is not served'],
  ['type: example.com/lb, value: a', 'an address of type example.com/lb cannot be bound: the Gateway is not served'],
])('a Gateway with an address of another kind is not accepted, and others are served: %s', (address, message) => {
  const result = compile(
    documents(gateway({ addresses: [address] }), gateway({ name: 'second', listeners: [HTTP_8080] })),
  );
  expect(result.issues).toMatchObject([{ severity: 'warning', path: 'spec.addresses[0]', message }]);
  expect(conditionsOf(result, 'Gateway', 'main')).toEqual([
    'Accepted False UnsupportedAddress',
    'Programmed False Invalid',
  ]);
  expect(listenerConditions(result, 'main', 'http')).toContain('Programmed False Invalid');
  expect(result.snapshot.listeners.map(({ gateway }) => gateway)).toEqual(['default/second']);
});

test('a text that is no address is as wrong as another kind', () => {
  const result = compile(gateway({ addresses: ['value: 300.1.1.1'] }));
  expect(conditionsOf(result, 'Gateway', 'main')[0]).toBe('Accepted False UnsupportedAddress');
});

test('parameters of another controller are a reason not to serve the Gateway', () => {
  const ref = '{ parametersRef: { group: example.com, kind: Proxy, name: a } }';
  const own = gateway().replace('  listeners:', `  infrastructure: ${ref}\n  listeners:`);
  const result = compile(documents(own, gateway({ name: 'second', listeners: [HTTP_8080] })));
  expect(brief(result.issues)).toEqual([
    'spec.infrastructure.parametersRef: parameters of other controllers are not known here: the Gateway is not served',
  ]);
  expect(conditionsOf(result, 'Gateway', 'main')[0]).toBe('Accepted False InvalidParameters');
  expect(result.snapshot.listeners.map(({ gateway }) => gateway)).toEqual(['default/second']);
});

test('labels for objects of a cluster ask for nothing', () => {
  const own = gateway().replace('  listeners:', '  infrastructure: { labels: { a: b } }\n  listeners:');
  expect(compile(own).issues).toEqual([]);
});

test('what a Gateway is served without is a warning at the field, and in its condition', () => {
  const withField = (field: string, listeners = [HTTP_8080]) =>
    compile(gateway({ listeners }).replace('spec:\n', `spec:\n  ${field}\n`));
  const accepted = (result: ReturnType<typeof compile>) =>
    statusOf(result, 'Gateway', 'main').conditions?.find(({ type }) => type === 'Accepted');
  const scope = 'spec.defaultScope: is not supported: routes belong to their parentRefs alone';
  const sets = 'spec.allowedListeners: is not supported: no ListenerSet is read';

  const result = withField('defaultScope: All\n  allowedListeners: { namespaces: { from: All } }');
  expect(brief(result.issues)).toEqual([scope, sets]);
  expect(result.issues.map(({ severity }) => severity)).toEqual(['warning', 'warning']);
  expect(accepted(result)).toMatchObject({ status: 'True', reason: 'Accepted', message: `${sets}; ${scope}` });
  expect(result.snapshot).toEqual(compile(gateway({ listeners: [HTTP_8080] })).snapshot);

  const partly = withField('defaultScope: All', [HTTP_8080, 'name: tcp, port: 81, protocol: TCP']);
  expect(accepted(partly)).toMatchObject({
    status: 'True',
    reason: 'ListenersNotValid',
    message: `not served: listener tcp; ${scope}`,
  });
  expect(withField('defaultScope: None').issues).toEqual([]);
});

test('when no listener of any Gateway is left, it is an error: what ran before is better', () => {
  const { issues, snapshot } = compile(gateway({ addresses: ['type: Hostname, value: a.example.com'] }));
  expect(snapshot.listeners).toEqual([]);
  expect(issues.filter(({ severity }) => severity === 'error')).toMatchObject([
    { path: 'spec.listeners', message: 'there is nothing to serve: no listener of any Gateway is left' },
  ]);
});
