/**
 * The HTTP probe: GET over HTTP/1.1, healthy by the status.
 *
 * The verdict is made when the head is complete, and the connection closed at once: no body is waited for, a redirect is an
 * answer like any other, no connection is kept. (A short body arrives with its head and has been read by then, so that the
 * backend sees a FIN; a long one is cut off by a reset.) healthd's only thread.
 */
import type { ProbeCheck, ProbeSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { PeerTls } from '@sluice/shared/tls/trust';
import { type Attempt, attempt, type Plan } from './attempt.js';
import { ask, type Question } from './head.js';
import type { Probe } from './probe.js';
import { USER_AGENT } from './product.js';
import { namesOf } from './tls.js';
import { pathWords } from './words.js';

type HttpCheck = Extract<ProbeCheck, { type: 'http' }>;

/**
 * What WebSocket servers answer to a plain GET: 400, 404, 405 and 501 from those that know one path or nothing but handshakes.
 * Statuses that have a cause of their own (401, 403, 429, 500, 502, 503, …) get no hint: it would lead astray.
 */
const MAYBE_WEBSOCKET = new Set([400, 404, 405, 501]);

const RANGES_NAMED_MAX = 3;

/** Behind the status of an unhealthy answer. 426 has one meaning; the others are guessed at for the default probe only. */
export function hintFor(status: number, probe: Pick<ProbeSnapshot, 'policy'>): string {
  if (status === 426) return '; a WebSocket server wants protocol: WebSocket';
  if (probe.policy === '' && MAYBE_WEBSOCKET.has(status)) {
    return '; if it is a WebSocket server, it wants protocol: WebSocket in a HealthCheckPolicy';
  }
  return '';
}

/** The statuses that a policy asks for, unless they are what everybody expects. */
function wantedWords({ statuses }: HttpCheck): string {
  const [first] = statuses;
  if (statuses.length === 1 && first?.start === 200 && first.end === 399) return '';
  const ranges = statuses
    .slice(0, RANGES_NAMED_MAX)
    .map(({ start, end }) => (start === end ? start : `${start}-${end}`));
  return `, not ${ranges.join(', ')}${statuses.length > RANGES_NAMED_MAX ? ', …' : ''}`;
}

export function httpProbe(check: HttpCheck, tls: PeerTls | null): Probe {
  const plan: Omit<Plan, 'tls'> = {
    question: `GET ${pathWords(check.path)}`,
    alpn: 'http/1.1',
    ...namesOf(check.host, tls),
  };
  const question: Question = {
    path: check.path,
    headers: [
      ['Host', check.host],
      ['User-Agent', USER_AGENT],
      ['Accept', '*/*'],
      ['Connection', 'close'],
    ],
  };
  const judge = (asked: Attempt, status: number): void => {
    if (check.statuses.some(({ start, end }) => status >= start && status <= end)) asked.pass();
    else asked.answered(`answered ${status}${wantedWords(check)}${hintFor(status, asked.probe)}`);
  };
  return (target, probe, signal) =>
    attempt({ ...plan, tls: probe.tls }, target, probe, signal, (asked, socket) =>
      ask(asked, socket, question, {
        answered: (status) => judge(asked, status),
        upgraded: () => judge(asked, 101),
      }),
    );
}
