/** Configurations for health daemons: a Gateway, a route to every Service, Services with what is said of them. */

/** A Service of one port, 80, in namespace `test`. */
export interface ProbedService {
  readonly name: string;
  /** Its one EndpointSlice; or absent, and `targetPort` and `dnsName` say where the endpoints come from. */
  readonly slice?: {
    readonly type: 'IPv4' | 'IPv6' | 'FQDN';
    readonly port: number;
    readonly endpoints: readonly { readonly address: string; readonly draining?: boolean }[];
  };
  readonly targetPort?: number;
  readonly dnsName?: string;
  /** `spec.default` of its HealthCheckPolicy. */
  readonly policy?: Readonly<Record<string, unknown>>;
}

type Manifest = Readonly<Record<string, unknown>>;
const GATEWAY_API = 'gateway.networking.k8s.io/v1';
const namespace = 'test';

function endpointOf({ address, draining = false }: { readonly address: string; readonly draining?: boolean }) {
  return { addresses: [address], conditions: { ready: !draining, serving: true, terminating: draining } };
}

function documentsOf({ name, slice, targetPort, dnsName, policy }: ProbedService): Manifest[] {
  const annotations = dnsName === undefined ? {} : { annotations: { 'sluice.dev/dns-name': dnsName } };
  const port = { port: 80, ...(targetPort === undefined ? {} : { targetPort }) };
  const documents: Manifest[] = [
    { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace, ...annotations }, spec: { ports: [port] } },
  ];
  if (slice !== undefined) {
    documents.push({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-1`, namespace, labels: { 'kubernetes.io/service-name': name } },
      addressType: slice.type,
      ports: [{ port: slice.port }],
      endpoints: slice.endpoints.map(endpointOf),
    });
  }
  if (policy !== undefined) {
    documents.push({
      apiVersion: 'alb.networking.azure.io/v1',
      kind: 'HealthCheckPolicy',
      metadata: { name: `${name}-policy`, namespace },
      spec: { targetRef: { group: '', kind: 'Service', name, namespace }, default: policy },
    });
  }
  return documents;
}

/** One file of YAML documents (JSON is YAML). */
export function probedServices(...services: readonly ProbedService[]): string {
  const gateway: Manifest = {
    apiVersion: GATEWAY_API,
    kind: 'Gateway',
    metadata: { name: 'edge', namespace },
    spec: { gatewayClassName: 'sluice', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
  };
  const route: Manifest = {
    apiVersion: GATEWAY_API,
    kind: 'HTTPRoute',
    metadata: { name: 'all', namespace },
    spec: {
      parentRefs: [{ name: 'edge' }],
      rules: services.map(({ name }) => ({
        matches: [{ path: { type: 'PathPrefix', value: `/${name}` } }],
        backendRefs: [{ name, port: 80 }],
      })),
    },
  };
  return [gateway, route, ...services.flatMap(documentsOf)].map((each) => JSON.stringify(each)).join('\n---\n');
}
