/**
 * All policies of a configuration, read once: what they make of listeners, routes and services.
 *
 * Certificates are read here too, once for listeners and backends together. Pure but for what the policies say.
 */
import type { Service } from '../resources/resource.js';
import { type AffinityIndex, indexAffinity } from './affinity.js';
import { indexBackendTls } from './backend-tls.js';
import { indexBalancing } from './balancing.js';
import type { CompileContext } from './context.js';
import { createCredentials } from './credentials.js';
import { indexFrontendTls } from './frontend-tls.js';
import { indexListenerTls, type ListenerTlsIndex } from './listener-tls.js';
import { indexProbes } from './probe.js';
import { compileRoutePolicies, type RoutePolicies } from './route-limits.js';
import { indexRoutePolicies } from './route-policy.js';
import type { ServicePolicies } from './services.js';

export interface Policies {
  readonly listenerTls: ListenerTlsIndex;
  readonly routes: RoutePolicies;
  readonly affinities: AffinityIndex;
  readonly services: ServicePolicies;
}

/** `services`: by `namespace/name`. */
export function compilePolicies(services: ReadonlyMap<string, Service>, context: CompileContext): Policies {
  const credentials = createCredentials(context);
  const routePolicies = indexRoutePolicies(context);
  return {
    listenerTls: indexListenerTls(context, credentials, indexFrontendTls(context, credentials)),
    routes: compileRoutePolicies(routePolicies),
    affinities: indexAffinity(routePolicies, context),
    services: {
      probes: indexProbes(services, context),
      balancing: indexBalancing(services, context),
      tls: indexBackendTls({ services, credentials, context }),
    },
  };
}
