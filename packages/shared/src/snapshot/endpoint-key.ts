/** The identity of an endpoint of a service, on the health bus and wherever something is kept for it. Pure. */

/** `namespace/service/port/ip:port`, an IPv6 address in brackets. `service`: `namespace/name/port`. */
export function endpointKey(service: string, address: string, port: number): string {
  return `${service}/${hostPort(address, port)}`;
}

/** `ip:port`, an IPv6 address in brackets. */
export function hostPort(address: string, port: number): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
