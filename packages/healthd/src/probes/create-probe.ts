/** The probe of a check: the only place that knows all kinds. */
import type { ProbeCheck } from '@sluice/shared/snapshot/service-policy';
import type { PeerTls } from '@sluice/shared/tls/trust';
import { grpcProbe } from './grpc.js';
import { httpProbe } from './http.js';
import type { Probe } from './probe.js';
import { tcpProbe } from './tcp.js';
import { websocketProbe } from './websocket.js';

export type CreateProbe = (check: ProbeCheck, tls: PeerTls | null) => Probe;

/**
 * What stays the same from probe to probe is prepared here; keep the result as long as the check. `tls`: what the
 * service's BackendTLSPolicy says, for probes over TLS.
 */
export const createProbe: CreateProbe = (check, tls) => {
  switch (check.type) {
    case 'http':
      return httpProbe(check, tls);
    case 'tcp':
      return tcpProbe();
    case 'grpc':
      return grpcProbe(check, tls);
    case 'websocket':
      return websocketProbe(check, tls);
  }
};
