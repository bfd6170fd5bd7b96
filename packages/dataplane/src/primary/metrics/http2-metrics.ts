/**
 * Metrics of HTTP/2, read from the meters of the workers: connections, streams, and clients that a guard ended.
 * Primary thread.
 */
import type { Families, Sample } from '@sluice/shared/admin/families';
import { HTTP2_COUNTS, type Http2Count } from '../../worker/meter-cells.js';
import type { MeterMemory } from './memory.js';
import type { MetricsSources } from './sources.js';

const FLOOD = 'flood-';

function sumOf({ workers }: MeterMemory, count: Http2Count): number {
  const place = HTTP2_COUNTS.indexOf(count);
  return workers.reduce((sum, { http2 }) => sum + (http2[place] as number), 0);
}

/** By what the client did too much of; `protocol`: what no client may do at all. */
function ended(memory: MeterMemory): Sample[] {
  const guards = HTTP2_COUNTS.filter((count) => count.startsWith(FLOOD) || count === 'protocol');
  return guards.map((count) => ({ labels: { guard: count.replace(FLOOD, '') }, value: sumOf(memory, count) }));
}

export function addHttp2Metrics(families: Families, { memory }: MetricsSources): void {
  const counter = (name: string, help: string, count: Http2Count): void =>
    families.counter(name, help, [], () => sumOf(memory, count));
  counter('sluice_http2_connections_total', 'Connections that spoke HTTP/2', 'sessions');
  counter('sluice_http2_streams_total', 'Requests over HTTP/2, WebSockets included', 'streams');
  counter('sluice_http2_streams_left_total', 'Of these, ended by their client before it had its answer', 'resets');
  families.counter(
    'sluice_http2_connections_ended_total',
    'Connections over HTTP/2 ended for what their client did, by the guard that saw it',
    ['guard'],
    () => ended(memory),
  );
}
