/** A prober as a process of its own: answers each `{ id, to, probe }` over IPC with `{ id, result }`. */
import { createProbe } from '@sluice/healthd/probes/create-probe';
import type { ProbeResult, ProbeTarget } from '@sluice/healthd/probes/probe';
import type { ProbeSnapshot } from '@sluice/shared/snapshot/service-policy';
import { type Authority, type PeerTls, type ShownCertificate, TlsTrust } from '@sluice/shared/tls/trust';

export interface Asked {
  readonly id: number;
  readonly to: ProbeTarget;
  readonly probe: ProbeSnapshot;
  /** As of a BackendTLSPolicy; null: there is none. */
  readonly tls: AskedTls | null;
}

export interface AskedTls extends Pick<PeerTls, 'sni' | 'subjectAltNames'> {
  readonly authority: Authority;
  readonly certificate: ShownCertificate | null;
}

export interface Answered {
  readonly id: number;
  readonly result: ProbeResult;
}

const never = new AbortController().signal;

function tlsOf({ sni, subjectAltNames, authority, certificate }: AskedTls): PeerTls {
  return { sni, subjectAltNames, trust: new TlsTrust(authority, certificate) };
}

process.on('message', (asked: Asked) => {
  const tls = asked.tls === null ? null : tlsOf(asked.tls);
  void createProbe(asked.probe.check, tls)(asked.to, asked.probe, never).then((result) => {
    process.send?.({ id: asked.id, result } satisfies Answered);
  });
});
