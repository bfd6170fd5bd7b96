/**
 * The header changes of a rule and of a backendRef (RequestHeaderModifier, ResponseHeaderModifier), made ready to be
 * applied to a head while it is written.
 *
 * Invariant: no change touches what the gateway states itself, which is framing, the handshake, the hop, and who asked
 * (own-fields.ts of shared): a filter can break neither the upgrade nor what a backend learns of its client. Host alone can be set, for
 * that is a plain rewrite. The rule's come first, the backendRef's then. Pure but for a memory of what was made ready.
 */
import { isOwnOfAnswers, isOwnOfRequests } from '@sluice/shared/snapshot/own-fields';
import type { FiltersSnapshot, HeaderChanges } from '@sluice/shared/snapshot/rule-policy';
import { hostOf } from './authority.js';

/** Changes of one head. */
export interface FieldChanges {
  /** Lower-case names of fields that do not pass. */
  readonly dropped: ReadonlySet<string>;
  /** Whole field lines that come instead or besides, each with its CR LF. */
  readonly lines: string;
}

export interface RuleChanges {
  readonly request: FieldChanges | undefined;
  readonly response: FieldChanges | undefined;
  /** Host that is set; '' keeps it. URLRewrite's goes before. */
  readonly host: string;
}

interface Line {
  readonly lower: string;
  readonly text: string;
}

const NOTHING: RuleChanges = { request: undefined, response: undefined, host: '' };
/** Stands for a rule or a backendRef without filters. */
const NO_FILTERS = {};
const READY = new WeakMap<object, WeakMap<object, RuleChanges>>();

/** Changes of requests that go to a backendRef of a rule, and of their answers. Made once for the same two objects. */
export function changesOf(rule: FiltersSnapshot | null, backend: FiltersSnapshot | null): RuleChanges {
  if (rule === null && backend === null) return NOTHING;
  let ofRule = READY.get(rule ?? NO_FILTERS);
  if (ofRule === undefined) {
    ofRule = new WeakMap();
    READY.set(rule ?? NO_FILTERS, ofRule);
  }
  let changes = ofRule.get(backend ?? NO_FILTERS);
  if (changes === undefined) {
    changes = makeReady(rule, backend);
    ofRule.set(backend ?? NO_FILTERS, changes);
  }
  return changes;
}

function makeReady(rule: FiltersSnapshot | null, backend: FiltersSnapshot | null): RuleChanges {
  const request = [rule?.requestHeaders, backend?.requestHeaders].filter((changes) => changes != null);
  const response = [rule?.responseHeaders, backend?.responseHeaders].filter((changes) => changes != null);
  const cors = (rule?.cors ?? null) !== null;
  return {
    request: fieldChanges(request, isOwnOfRequests),
    response: fieldChanges(response, (lower) => isOwnOfAnswers(lower, cors)),
    host: request.reduce(hostSet, ''),
  };
}

function fieldChanges(all: readonly HeaderChanges[], isOwn: (lowerName: string) => boolean): FieldChanges | undefined {
  const dropped = new Set<string>();
  let lines: Line[] = [];
  const drop = (lower: string): void => {
    dropped.add(lower);
    lines = lines.filter((line) => line.lower !== lower);
  };
  const add = (name: string, value: string): void => {
    lines.push({ lower: name.toLowerCase(), text: `${name}: ${value}\r\n` });
  };
  for (const { set, add: added, remove } of all) {
    for (const [name, value] of set) {
      if (isOwn(name.toLowerCase())) continue;
      drop(name.toLowerCase());
      add(name, value);
    }
    for (const [name, value] of added) if (!isOwn(name.toLowerCase())) add(name, value);
    for (const lower of remove) if (!isOwn(lower)) drop(lower);
  }
  return dropped.size === 0 && lines.length === 0
    ? undefined
    : { dropped, lines: lines.map(({ text }) => text).join('') };
}

/** A value that is no authority is passed over: the backend would get a head that is not valid. */
function hostSet(before: string, { set }: HeaderChanges): string {
  return set.reduce((host, [name, value]) => {
    return name.toLowerCase() === 'host' && hostOf(value) !== undefined ? value : host;
  }, before);
}
