/**
 * The probes of the services: each is made once, and kept as long as what it was made from.
 *
 * Invariant: services that trust the same authority and show the same certificate share what is loaded of them; what no
 * service uses any more is let go. healthd's only thread.
 */
import type { ProbedService, ProbedServices } from '@sluice/shared/health/probed-services';
import type { BackendTlsSnapshot } from '@sluice/shared/snapshot/tls';
import { type PeerTls, TlsTrust } from '@sluice/shared/tls/trust';
import type { CreateProbe } from './probes/create-probe.js';
import type { Probe } from './probes/probe.js';

interface Made {
  /** What it was made from. Certificates and authorities are named by digests of their content. */
  readonly from: string;
  readonly probe: Probe;
}

export class ProbeSet {
  readonly #create: CreateProbe;
  #probes = new Map<string, Made>();
  #trusts = new Map<string, TlsTrust>();

  constructor(create: CreateProbe) {
    this.#create = create;
  }

  /** Of the service of this name. */
  get(service: string): Probe | undefined {
    return this.#probes.get(service)?.probe;
  }

  /** These services and no others from now on; the names of those that are new, or probed in another way than before. */
  update(services: ProbedServices): ReadonlySet<string> {
    const before = this.#probes;
    const trusts = new Map<string, TlsTrust>();
    const changed = new Set<string>();
    this.#probes = new Map();
    for (const service of services.services) {
      const from = JSON.stringify([service.probe, service.tls]);
      const kept = before.get(service.name);
      const tls = this.#tlsOf(service, services, trusts);
      if (kept?.from === from) {
        this.#probes.set(service.name, kept);
        continue;
      }
      this.#probes.set(service.name, { from, probe: this.#create(service.probe.check, tls) });
      changed.add(service.name);
    }
    this.#trusts = trusts;
    return changed;
  }

  #tlsOf({ probe, tls }: ProbedService, services: ProbedServices, trusts: Map<string, TlsTrust>): PeerTls | null {
    if (!probe.tls || tls === null) return null;
    const key = `${tls.authority} ${tls.clientCertificate}`;
    const trust = trusts.get(key) ?? this.#trusts.get(key) ?? trustOf(tls, services);
    trusts.set(key, trust);
    return { sni: tls.sni, subjectAltNames: tls.subjectAltNames, trust };
  }
}

/** Material that is not there trusts nobody, and shows nothing. */
function trustOf({ authority, clientCertificate }: BackendTlsSnapshot, services: ProbedServices): TlsTrust {
  const certificate = services.certificates.find(({ id }) => id === clientCertificate) ?? null;
  if (authority === 'system' || authority === 'none') return new TlsTrust(authority, certificate);
  const certificates = services.authorities.find(({ id }) => id === authority)?.certificates ?? '';
  return new TlsTrust({ certificates }, certificate);
}
