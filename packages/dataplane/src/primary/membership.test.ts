import { createBoard, EndpointStatus } from '@sluice/shared/health/board';
import type { EndpointRecord, HealthStatus } from '@sluice/shared/health/table';
import { createLogger } from '@sluice/shared/log';
import type { ServiceSnapshot } from '@sluice/shared/snapshot/snapshot';
import { aService } from '@sluice/shared/testing/snapshots';
import { describe, expect, test } from 'vitest';
import type { ToWorker } from '../worker/messages.js';
import { type Found, Membership } from './membership.js';

type MembershipMessage = Extract<ToWorker, { type: 'membership' }>;

const service = (name: string, hosts: readonly string[] = []): ServiceSnapshot =>
  aService(name, { targets: hosts.map((host) => ({ type: 'address', host, port: 80, draining: false })) });
const found = (address: string, status: HealthStatus = 'healthy', why = ''): Found => {
  const record: EndpointRecord = { address, port: 80, status, why, sinceMs: 1, probedAtMs: 1, probeMs: 1 };
  return { address, port: 80, status, record };
};

function setUp({ services = [service('a'), service('b')], capacity = 4 } = {}) {
  const sent: MembershipMessage[] = [];
  const freed: number[] = [];
  const errors: string[] = [];
  const board = createBoard(capacity, 1);
  const state = { seen: Number.POSITIVE_INFINITY };
  const log = createLogger({ level: 'silent', name: 'test' });
  log.error = (detail: { service: string; leftOut: number }) => errors.push(`${detail.service} ${detail.leftOut}`);
  const membership = new Membership({
    services,
    board,
    log,
    post: (message) => sent.push(message as MembershipMessage),
    seen: () => state.seen,
    onStatus: () => {},
    onFree: (slot) => freed.push(slot),
  });
  sent.splice(0);
  const slotOf = (address: string) => [...membership.members()].find((member) => member.address === address)?.slot;
  const statusOf = (address: string) => board.status(slotOf(address) ?? -1);
  const sinceOf = (address: string) => Atomics.load(board.planes.since, slotOf(address) ?? -1);
  return { membership, board, sent, freed, errors, state, slotOf, statusOf, sinceOf };
}

/** The addresses of a message's only service. */
const addressesOf = (message: MembershipMessage | undefined) =>
  message?.services[0]?.endpoints.map((each) => each.address);

test('begins with the addresses of the configuration: unknown, and so usable, and not in slow start', () => {
  const { membership, statusOf, sinceOf } = setUp({ services: [service('a', ['10.0.0.1', '10.0.0.2'])] });
  expect(membership.lists[0]?.endpoints.map(({ slot }) => slot)).toEqual([0, 1]);
  expect([statusOf('10.0.0.1'), sinceOf('10.0.0.1')]).toEqual([EndpointStatus.unknown, 0]);
});

describe('workers are told', () => {
  test('the whole list of a service that changed, and of no other, with the next revision', () => {
    const { membership, sent } = setUp();
    membership.replace('a', [found('10.0.0.1')]);
    membership.commit();
    membership.put('a', found('10.0.0.2'));
    membership.commit();
    expect(sent.map(({ services }) => services.map((each) => each.service))).toEqual([['a'], ['a']]);
    expect(sent.map(addressesOf)).toEqual([['10.0.0.1'], ['10.0.0.1', '10.0.0.2']]);
    expect((sent[1]?.revision ?? 0) - (sent[0]?.revision ?? 0)).toBe(1);
    expect(membership.revision).toBe(sent[1]?.revision);
  });

  test('nothing, when a status changes that leaves the service usable: the board has it already', () => {
    const { membership, sent, statusOf } = setUp();
    membership.replace('a', [found('10.0.0.1'), found('10.0.0.2')]);
    membership.commit();
    sent.splice(0);
    membership.put('a', found('10.0.0.1', 'unhealthy', 'refused'));
    expect(statusOf('10.0.0.1')).toBe(EndpointStatus.unhealthy);
    membership.commit();
    expect(sent).toEqual([]);
  });

  test('why no endpoint is usable: each reason once, three at most, and that it is over', () => {
    const { membership, sent } = setUp({ capacity: 8 });
    const reasons = ['refused', 'timed out', 'refused', 'answered 426', 'reset'];
    membership.replace(
      'a',
      reasons.map((why, index) => found(`10.0.0.${index}`, 'unhealthy', why)),
    );
    membership.commit();
    membership.put('a', found('10.0.0.0'));
    membership.commit();
    membership.replace('a', [found('10.0.0.0', 'draining'), found('10.0.0.1', 'unhealthy')]);
    membership.commit();
    membership.replace('a', [], 'the name a has no address');
    membership.commit();
    membership.replace('a', []);
    membership.commit();
    expect(sent.map(({ services }) => services[0]?.why)).toEqual([
      'refused; timed out; answered 426',
      '',
      'draining; unhealthy',
      'the name a has no address',
      '',
    ]);
  });
});

describe('an endpoint that goes', () => {
  test('is removed on the board before anybody is told', () => {
    const { membership, board, sent, slotOf } = setUp();
    membership.replace('a', [found('10.0.0.1')]);
    membership.commit();
    sent.splice(0);
    const slot = slotOf('10.0.0.1') ?? -1;
    membership.remove('a', 'a/10.0.0.1:80');
    expect([board.status(slot), sent.length]).toEqual([EndpointStatus.removed, 0]);
    membership.commit();
    expect(addressesOf(sent[0])).toEqual([]);
  });

  test('leaves its slot only when the workers have seen the list without it and its connections are over', () => {
    const { membership, board, freed, state, slotOf, statusOf } = setUp({ capacity: 1 });
    membership.replace('a', [found('10.0.0.1')]);
    membership.commit();
    state.seen = membership.revision;
    Atomics.store(board.column(0), 0, 2);
    Atomics.store(board.planes.failures, 0, 3);
    membership.replace('a', [found('10.0.0.2')]);
    membership.commit();
    expect([membership.leftOut, slotOf('10.0.0.2')]).toEqual([1, undefined]);
    state.seen = membership.revision;
    membership.sweep();
    expect(freed).toEqual([]);
    Atomics.store(board.column(0), 0, 0);
    membership.sweep();
    expect([freed, membership.leftOut, slotOf('10.0.0.2')]).toEqual([[0], 0, 0]);
    expect([statusOf('10.0.0.2'), Atomics.load(board.planes.failures, 0)]).toEqual([EndpointStatus.healthy, 0]);
  });

  test('and comes back has its slot and its connections again', () => {
    const { membership, board, slotOf, statusOf } = setUp();
    membership.replace('a', [found('10.0.0.1'), found('10.0.0.2')]);
    const slot = slotOf('10.0.0.2') ?? -1;
    Atomics.store(board.column(0), slot, 2);
    membership.replace('a', [found('10.0.0.1')]);
    membership.commit();
    membership.replace('a', [found('10.0.0.1'), found('10.0.0.2')]);
    membership.commit();
    expect([slotOf('10.0.0.2'), statusOf('10.0.0.2')]).toEqual([slot, EndpointStatus.healthy]);
  });
});

describe('slow start begins', () => {
  test('for what joins a service that was known, not for what it began with', () => {
    const { membership, sinceOf } = setUp();
    membership.replace('a', [found('10.0.0.1')]);
    membership.replace('a', [found('10.0.0.1'), found('10.0.0.2')]);
    membership.settle('a');
    membership.put('a', found('10.0.0.3'));
    const since = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => sinceOf(address) > 0);
    expect(since).toEqual([false, false, true]);
  });

  test('when an endpoint is healthy again, and not before', () => {
    const { membership, sinceOf } = setUp();
    const seen = (['unknown', 'healthy', 'unhealthy', 'healthy', 'draining'] as const).map((status) => {
      membership.replace('a', [found('10.0.0.1', status)]);
      return sinceOf('10.0.0.1') > 0;
    });
    expect(seen).toEqual([false, false, false, true, false]);
  });
});

describe('with more endpoints than slots', () => {
  test('those that are there stay, the rest is left out, counted, and named once', () => {
    const { membership, errors, sent } = setUp({ capacity: 2 });
    membership.replace('a', [found('10.0.0.1')]);
    membership.replace('b', [found('10.0.0.1'), found('10.0.0.2'), found('10.0.0.3')]);
    membership.commit();
    membership.put('b', found('10.0.0.4'));
    membership.commit();
    expect([membership.leftOut, errors]).toEqual([3, ['b 2']]);
    expect(sent.at(-1)?.services.map(({ endpoints }) => endpoints.length)).toEqual([1, 1]);
  });

  test('the next one gets the slot of one that goes', () => {
    const { membership, errors, slotOf } = setUp({ capacity: 2, services: [service('a')] });
    membership.replace('a', [found('10.0.0.1'), found('10.0.0.2'), found('10.0.0.3')]);
    membership.commit();
    membership.remove('a', 'a/10.0.0.1:80');
    membership.commit();
    membership.sweep();
    expect([slotOf('10.0.0.3'), membership.leftOut, errors]).toEqual([0, 0, ['a 1']]);
  });
});

test('services that the configuration does not have are passed over', () => {
  const { membership, sent } = setUp();
  membership.replace('c', [found('10.0.0.1')]);
  membership.put('c', found('10.0.0.1'));
  membership.remove('c', 'c/10.0.0.1:80');
  membership.commit();
  expect(sent).toEqual([]);
});

describe('another configuration', () => {
  test('new services begin with their addresses, those that stay are not told of again', () => {
    const { membership, sent, slotOf } = setUp({ services: [service('a', ['10.0.0.1'])] });
    const slot = slotOf('10.0.0.1');
    membership.configure([service('a', ['10.0.0.1']), service('c', ['10.0.0.3'])]);
    membership.commit();
    expect(sent.map(({ services }) => services.map((each) => each.service))).toEqual([['c']]);
    expect(membership.services).toEqual(['a', 'c']);
    expect(slotOf('10.0.0.1')).toBe(slot);
  });

  test('services that are gone are told of, and their slots are free when every worker has heard it', () => {
    const { membership, sent, state, freed } = setUp({ services: [service('a', ['10.0.0.1']), service('b')] });
    membership.retire(['a', 'nobody']);
    membership.commit();
    expect(sent).toMatchObject([{ services: [], gone: ['a'] }]);
    expect([membership.services, membership.lists.map((list) => list.service)]).toEqual([['b'], ['b']]);
    state.seen = membership.revision - 1;
    membership.sweep();
    expect(freed).toEqual([]);
    state.seen = membership.revision;
    membership.sweep();
    expect(freed).toEqual([0]);
  });

  test('a service that goes and comes at once is there', () => {
    const { membership, sent } = setUp({ services: [service('a', ['10.0.0.1'])] });
    membership.retire(['a']);
    membership.configure([service('a', ['10.0.0.2'])]);
    membership.commit();
    expect(sent).toMatchObject([{ gone: [] }]);
    expect(addressesOf(sent[0])).toEqual(['10.0.0.2']);
  });
});
