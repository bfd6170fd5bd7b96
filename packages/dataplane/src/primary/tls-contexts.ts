/**
 * The engine's TLS contexts for a configuration: what listeners show, how backends are reached.
 *
 * Invariant: equal content is one context, over configurations too. What could fail is made first (`prepare`), and then
 * nothing has changed. A context that a configuration leaves out stays until the one after it: handshakes that began with
 * it end with it. Primary thread.
 */
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { ExitCode, ExitError } from '@sluice/shared/cli/exit-codes';
import type { ListenerInfo, ServiceSnapshot } from '@sluice/shared/snapshot/snapshot';
import type { BackendTlsSnapshot, ListenerTlsSnapshot, TlsMaterial } from '@sluice/shared/snapshot/tls';
import type { NativeTls, ServerName, TlsCertificate } from '../engine/tls-binding.js';
import type { BackendContexts, BoundPort } from '../worker/messages.js';
import { type NamedCertificates, serverNames } from './server-names.js';

/** What of a configuration contexts are made of. */
export interface TlsConfiguration {
  readonly listener: (index: number) => ListenerInfo | undefined;
  readonly services: readonly Pick<ServiceSnapshot, 'name' | 'tls'>[];
  readonly material: TlsMaterial;
}

/** Everything that could fail has been done. */
export interface TlsChange {
  readonly backends: BackendContexts;
  /** Server names of a port by what it is for; null: it speaks plain TCP. */
  readonly names: (port: BoundPort) => readonly ServerName[] | null;
  readonly contexts: ReadonlyMap<string, number>;
}

/** What clients may speak over TLS, the best first. */
const ALPN = ['http/1.1'];
const ALPN_HTTP2 = ['h2', ...ALPN];

type ContextNative = Pick<NativeTls, 'tlsServerContext' | 'tlsClientContext' | 'tlsContextRelease'>;

/** What Node's own clients trust: its authorities, and those of NODE_EXTRA_CA_CERTS. */
function systemAuthorities(): string {
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  return [...rootCertificates, ...(extra === undefined ? [] : [readFileSync(extra, 'utf8')])].join('\n');
}

export class TlsContexts {
  readonly #native: ContextNative;
  /** By content. */
  #contexts: ReadonlyMap<string, number> = new Map();
  #before: ReadonlyMap<string, number> = new Map();
  #system: string | undefined;

  constructor(native: ContextNative) {
    this.#native = native;
  }

  /** Makes what is new. Throws ExitError, naming what is wrong: then everything is as it was. */
  prepare(configuration: TlsConfiguration, ports: readonly BoundPort[]): TlsChange {
    const making = new Making(new Map([...this.#before, ...this.#contexts]));
    try {
      const names = new Map(ports.map(({ listeners }) => [listeners, this.#namesOf(listeners, configuration, making)]));
      const backends = configuration.services.flatMap(({ name, tls }, index): (readonly [number, number])[] =>
        tls === null ? [] : [[index, this.#backend(name, tls, configuration.material, making)]],
      );
      return { backends, names: ({ listeners }) => names.get(listeners) ?? null, contexts: making.used };
    } catch (error) {
      for (const context of making.made) this.#native.tlsContextRelease(context);
      throw error;
    }
  }

  /** The configuration is in force: what neither it nor the one before it has is let go. */
  commit({ contexts }: TlsChange): void {
    const kept = new Set([...contexts.values(), ...this.#contexts.values()]);
    for (const context of this.#before.values()) if (!kept.has(context)) this.#native.tlsContextRelease(context);
    this.#before = this.#contexts;
    this.#contexts = contexts;
  }

  /** The configuration will not be. */
  abandon({ contexts }: TlsChange): void {
    const kept = new Set([...this.#contexts.values(), ...this.#before.values()]);
    for (const context of contexts.values()) if (!kept.has(context)) this.#native.tlsContextRelease(context);
  }

  /** null: none of these listeners has TLS. A listener without a certificate refuses every client. */
  #namesOf(
    listeners: readonly number[],
    { listener, material }: TlsConfiguration,
    making: Making,
  ): readonly ServerName[] | null {
    if (!listeners.some((index) => listener(index)?.protocol === 'HTTPS')) return null;
    const certificateOf = (id: string) => material.certificates.find((each) => each.id === id);
    return serverNames(listeners, listener, certificateOf).flatMap((named): ServerName[] => {
      const info = listener(named.listener);
      if (info?.tls === undefined || info.tls === null) return [];
      return [{ pattern: named.pattern, context: this.#server(info, info.tls, named, material, making) }];
    });
  }

  #server(
    { gateway, name, port, http2 }: ListenerInfo,
    { minVersion, ciphers, clientAuth }: ListenerTlsSnapshot,
    { certificates }: NamedCertificates,
    material: TlsMaterial,
    making: Making,
  ): number {
    const what = `listener ${name} of Gateway ${gateway}`;
    const sessionContext = JSON.stringify([gateway, name, port, clientAuth?.policy ?? '']);
    const alpn = http2 ? ALPN_HTTP2 : ALPN;
    const content = JSON.stringify(['server', certificates, minVersion, ciphers, clientAuth, sessionContext, alpn]);
    return making.context(content, what, () =>
      this.#native.tlsServerContext({
        certificates: certificates.map((id) => pairOf(material, id)),
        minVersion,
        ciphers: ciphers.join(':'),
        clientCa: clientAuth === null ? '' : this.#authorities(material, clientAuth.authority),
        sessionContext,
        alpn,
      }),
    );
  }

  #backend(service: string, tls: BackendTlsSnapshot, material: TlsMaterial, making: Making): number {
    const { sni, subjectAltNames, authority, clientCertificate } = tls;
    const content = JSON.stringify(['client', sni, subjectAltNames, authority, clientCertificate]);
    return making.context(content, `BackendTLSPolicy ${tls.policy} of service ${service}`, () =>
      this.#native.tlsClientContext({
        verify: authority !== 'none',
        ca: authority === 'none' ? '' : this.#authorities(material, authority),
        serverName: sni,
        names: subjectAltNames,
        certificate: clientCertificate === '' ? null : pairOf(material, clientCertificate),
        minVersion: '1.2',
      }),
    );
  }

  #authorities(material: TlsMaterial, id: string): string {
    if (id !== 'system') return found(material.authorities, id).certificates;
    this.#system ??= systemAuthorities();
    return this.#system;
  }
}

/** The contexts of a configuration while they are made. */
class Making {
  readonly used = new Map<string, number>();
  readonly made: number[] = [];
  readonly #known: ReadonlyMap<string, number>;

  constructor(known: ReadonlyMap<string, number>) {
    this.#known = known;
  }

  context(content: string, what: string, make: () => number): number {
    const known = this.used.get(content) ?? this.#known.get(content);
    const context = known ?? this.#make(what, make);
    this.used.set(content, context);
    return context;
  }

  #make(what: string, make: () => number): number {
    try {
      const context = make();
      this.made.push(context);
      return context;
    } catch (error) {
      throw new ExitError(ExitCode.config, `sluice: ${what}: ${(error as Error).message}`, { cause: error });
    }
  }
}

function found<T extends { readonly id: string }>(all: readonly T[], id: string): T {
  const one = all.find((each) => each.id === id);
  if (one === undefined) throw new Error(`the configuration has no certificates ${id}`);
  return one;
}

function pairOf({ certificates }: TlsMaterial, id: string): TlsCertificate {
  const { chain, key } = found(certificates, id);
  return { chain, key };
}
