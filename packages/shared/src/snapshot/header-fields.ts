/**
 * Header modifiers that ask for what no filter can do: a warning for each field that the gateway states itself.
 *
 * Pure but for what it says.
 */
import type { HeaderFilter, HttpFilter } from '../resources/http-filter.js';
import type { HttpRouteRule } from '../resources/http-route.js';
import type { ConfigPath } from '../resources/path.js';
import { isOwnOfAnswers, isOwnOfRequests } from './own-fields.js';
import type { RouteReport } from './route-report.js';

/** Says which fields stay as they are, of the filters of a rule and of its backendRefs. `index`: of the rule. */
export function checkHeaderFields({ filters, backendRefs }: HttpRouteRule, index: number, report: RouteReport): void {
  const cors = filters.some((filter) => filter.cors !== undefined);
  const rule = ['spec', 'rules', index];
  checkFilters(filters, cors, [...rule, 'filters'], report);
  for (const [position, ref] of backendRefs.entries()) {
    checkFilters(ref.filters, cors, [...rule, 'backendRefs', position, 'filters'], report);
  }
}

function checkFilters(filters: readonly HttpFilter[], cors: boolean, at: ConfigPath, report: RouteReport): void {
  for (const [position, { requestHeaderModifier, responseHeaderModifier }] of filters.entries()) {
    const path = [...at, position];
    if (requestHeaderModifier !== undefined) {
      const isOwn = (name: string, action: Action) => isOwnOfRequests(name) && !(name === 'host' && action === 'set');
      check(requestHeaderModifier, isOwn, [...path, 'requestHeaderModifier'], report);
    }
    if (responseHeaderModifier !== undefined) {
      const isOwn = (name: string) => isOwnOfAnswers(name, cors);
      check(responseHeaderModifier, isOwn, [...path, 'responseHeaderModifier'], report);
    }
  }
}

type Action = keyof HeaderFilter;

function check(
  { set, add, remove }: HeaderFilter,
  isOwn: (lowerName: string, action: Action) => boolean,
  at: ConfigPath,
  report: RouteReport,
): void {
  const names = { set: set.map(({ name }) => name), add: add.map(({ name }) => name), remove };
  for (const action of ['set', 'add', 'remove'] as const) {
    for (const [index, name] of names[action].entries()) {
      if (!isOwn(name.toLowerCase(), action)) continue;
      const path = [...at, action, index, ...(action === 'remove' ? [] : ['name'])];
      report.warn(path, `${JSON.stringify(name)} is a field that the gateway states itself: it is not changed`);
    }
  }
}
