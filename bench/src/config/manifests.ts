/**
 * Manifests of a large configuration, as text: one Gateway, and of everything else as many as are asked for. Of two routes
 * one has a hostname of its own and the other shares one, so that hosts and paths are both many. Pure.
 */

export interface ConfigurationSize {
  readonly routes: number;
  readonly services: number;
}

const GATEWAY = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: main, namespace: default }
spec:
  gatewayClassName: sluice
  listeners:
    - { name: http, port: 80, protocol: HTTP, allowedRoutes: { namespaces: { from: All } } }
`;

function routeText(index: number, services: number): string {
  const hostname = index % 2 === 0 ? `site-${index}.example.com` : 'shared.example.com';
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: route-${index}
  namespace: default
spec:
  parentRefs:
    - name: main
  hostnames:
    - ${hostname}
  rules:
    - matches:
        - path:
            type: PathPrefix
            value: /team-${index % 100}/app-${index}
        - path:
            type: Exact
            value: /app-${index}/socket
          headers:
            - name: env
              value: canary
      backendRefs:
        - name: service-${index % services}
          port: 80
          weight: 9
        - name: service-${(index + 1) % services}
          port: 80
`;
}

function serviceText(index: number): string {
  const address = (last: number): string => `10.${index >> 8}.${index & 255}.${last}`;
  return `apiVersion: v1
kind: Service
metadata:
  name: service-${index}
  namespace: default
spec:
  ports:
    - name: http
      port: 80
      targetPort: 8080
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: service-${index}-a
  namespace: default
  labels:
    kubernetes.io/service-name: service-${index}
addressType: IPv4
ports:
  - name: http
    port: 8080
endpoints:
  - addresses: ["${address(1)}"]
  - addresses: ["${address(2)}"]
`;
}

/** One text a kind, as one would keep them in files. */
export function manifestTexts({ routes, services }: ConfigurationSize): readonly string[] {
  const many = (count: number, text: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => text(index)).join('---\n');
  return [GATEWAY, many(routes, (index) => routeText(index, services)), many(services, serviceText)];
}
