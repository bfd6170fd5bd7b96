/** The probe of a check: the only place that knows all kinds. */
import type { ProbeCheck } from '@sluice/shared/snapshot/service-policy';
import { grpcProbe } from './grpc.js';
import { httpProbe } from './http.js';
import type { Probe } from './probe.js';
import { tcpProbe } from './tcp.js';
import { websocketProbe } from './websocket.js';

/** What stays the same from probe to probe is prepared here; keep the result as long as the check. */
export function createProbe(check: ProbeCheck): Probe {
  switch (check.type) {
    case 'http':
      return httpProbe(check);
    case 'tcp':
      return tcpProbe();
    case 'grpc':
      return grpcProbe(check);
    case 'websocket':
      return websocketProbe(check);
  }
}
