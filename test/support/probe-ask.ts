/** Asking an endpoint by a probe, as the scheduler does: short of everything that a test does not care about. */
import { createProbe } from '@sluice/healthd/probes/create-probe';
import type { ProbeResult } from '@sluice/healthd/probes/probe';
import { DEFAULT_PROBE, type ProbeCheck, type ProbeSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { Address } from './raw-client.js';

export type WebSocketCheck = Extract<ProbeCheck, { type: 'websocket' }>;

export function httpCheck(path = '/', ranges: readonly (readonly [number, number])[] = [[200, 399]]): ProbeCheck {
  return { type: 'http', host: 'localhost', path, statuses: ranges.map(([start, end]) => ({ start, end })) };
}

export function websocketCheck(more: Partial<WebSocketCheck> = {}): WebSocketCheck {
  return { type: 'websocket', host: 'localhost', path: '/', subprotocol: '', headers: [], ping: false, ...more };
}

export function grpcCheck(service = ''): ProbeCheck {
  return { type: 'grpc', authority: 'localhost', service };
}

/** A probe of a policy with a timeout that a busy machine does not reach. */
export function probeOf(check: ProbeCheck, more: Partial<ProbeSnapshot> = {}): ProbeSnapshot {
  return { ...DEFAULT_PROBE, policy: 'shop/chat', timeoutMs: 20_000, check, ...more };
}

/** One probe of `check`. */
export function ask(
  to: Address,
  check: ProbeCheck,
  more: Partial<ProbeSnapshot> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<ProbeResult> {
  return createProbe(check, null)(to, probeOf(check, more), signal);
}

/** '' when healthy, else why not. */
export async function verdict(to: Address, check: ProbeCheck, more: Partial<ProbeSnapshot> = {}): Promise<string> {
  const { healthy, why } = await ask(to, check, more);
  if (healthy !== (why === '')) throw new Error(`healthy is ${healthy}, but why is "${why}"`);
  return why;
}
