/**
 * The value of `sluice.dev/live-connections` on a Service: what becomes of connections when their endpoint does.
 *
 * Any thread.
 */
import type { LiveAction } from '../snapshot/service-policy.js';
import { Fault, type ValueType } from './annotation-values.js';
import { wrong } from './schema.js';

export const LIVE_ACTIONS = ['keep', 'drain', 'close'] as const satisfies readonly LiveAction[];
const EVENTS = ['unhealthy', 'draining', 'removed'] as const;

export type LiveActions = Readonly<Partial<Record<(typeof EVENTS)[number], LiveAction>>>;

/** `drain`, or `unhealthy=keep,draining=drain,removed=close` in any order and selection. */
export const liveActionsValue: ValueType<LiveActions> = {
  form: 'keep, drain or close; or by event, as in unhealthy=keep,draining=drain,removed=close',
  range: '',
  read(text) {
    const all = LIVE_ACTIONS.find((action) => action === text.trim());
    if (all !== undefined) return { unhealthy: all, draining: all, removed: all };
    const live: Partial<Record<(typeof EVENTS)[number], LiveAction>> = {};
    for (const part of text.split(',')) {
      const [left = '', right = '', ...rest] = part.split('=').map((word) => word.trim());
      const event = EVENTS.find((name) => name === left);
      const action = LIVE_ACTIONS.find((name) => name === right);
      if (event === undefined || action === undefined || rest.length > 0 || live[event] !== undefined) {
        const hint = 'use keep, drain or close, or each event once as in unhealthy=keep,draining=drain,removed=close';
        return new Fault(wrong('is not an action for live connections', hint));
      }
      live[event] = action;
    }
    return live;
  },
};
