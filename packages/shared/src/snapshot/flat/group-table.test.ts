import { expect, it } from 'vitest';
import { findGroup, groupSlots } from './group-table.js';

it('groups are found by all three indexes', () => {
  const entries = Array.from({ length: 1024 }, (_, group) => {
    return { listener: group % 3, route: (group >> 2) - 1, service: (group % 5) - 1, group };
  });
  const known = new Map(
    entries.map(({ listener, route, service, group }) => [`${listener} ${route} ${service}`, group]),
  );
  const slots = groupSlots(
    entries.filter((each) => known.get(`${each.listener} ${each.route} ${each.service}`) === each.group),
  );
  for (let listener = -1; listener < 4; listener++) {
    for (let route = -1; route < 300; route += 7) {
      for (let service = -1; service < 6; service++) {
        expect(findGroup(slots, listener, route, service)).toBe(known.get(`${listener} ${route} ${service}`) ?? -1);
      }
    }
  }
});

it('of none, none is found', () => {
  expect(findGroup(groupSlots([]), 0, 0, 0)).toBe(-1);
});
