/**
 * What a rule itself answers before anything is forwarded, and whom it lets open a WebSocket.
 *
 * Order: a rule that cannot be served (500), a redirect, a CORS preflight; all of these answer plain requests too. Origins
 * are asked of handshakes alone: a browser keeps the answers of other requests from pages that may not read them.
 * Pure; runs in the workers.
 */
import type { ListenerInfo, RuleSnapshot } from '@sluice/shared/snapshot/snapshot';
import { checkCors, preflightAnswer } from './cors.js';
import type { RequestHead } from './head.js';
import { checkOrigin, originOf } from './origins.js';
import type { OwnAnswer } from './own-answer.js';
import { redirectAnswer } from './redirect.js';
import { type Refusal, refuse } from './refusal.js';

/** The answer to any request of the rule; undefined when it has none. `path`, `prefixLength`: as it was routed. */
export function ruleAnswer(
  rule: RuleSnapshot,
  request: RequestHead,
  routed: { readonly path: string; readonly prefixLength: number },
  listener: Pick<ListenerInfo, 'protocol' | 'port'>,
): OwnAnswer | Refusal | undefined {
  if (rule.broken !== '') return refuse('rule-broken', undefined, rule.broken);
  if (rule.filters === null) return undefined;
  const { redirect, cors } = rule.filters;
  if (redirect !== null) {
    const { host, query } = request;
    return redirectAnswer(redirect, { host, query, path: routed.path, prefixLength: routed.prefixLength }, listener);
  }
  return cors === null ? undefined : preflightAnswer(cors, request);
}

/** Why the rule does not let this handshake go on by its Origin; undefined when it does. */
export function originRefusal(
  rule: RuleSnapshot,
  request: RequestHead,
  listener: Pick<ListenerInfo, 'protocol'> | undefined,
): Refusal | undefined {
  const cors = rule.filters?.cors ?? null;
  if (rule.origins === null && cors === null) return undefined;
  const secure = listener?.protocol === 'HTTPS';
  const byList = rule.origins === null ? undefined : checkOrigin(rule.origins, request, secure);
  const refusal = byList ?? (cors === null ? undefined : checkCors(cors, request, secure));
  if (refusal === undefined) return undefined;
  const by = byList === undefined ? 'its CORS filter' : 'its allow-list';
  return refuse(refusal.code, undefined, reason(rule, by, originOf(request.fields)?.value));
}

/** For the log: which rule it was, and what the client said. */
function reason({ route, index }: RuleSnapshot, by: string, origin: string | undefined): string {
  const rule = `rule ${index} of ${route}`;
  if (origin === undefined) return `${rule} takes no handshake without Origin, by ${by}`;
  return `${rule} does not take the origin ${origin.slice(0, 256)}, by ${by}`;
}
