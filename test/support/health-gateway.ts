/** What tests of health ask of a gateway: what it says of its endpoints, and whom its connections reach. */
import { eventually } from './eventually.js';
import type { Gateway } from './gateway.js';
import { upgradeHead } from './heads.js';
import type { HealthBackend } from './health-backend.js';
import { childrenOf, runs } from './process-tree.js';
import { RawClient } from './raw-client.js';

/** Boots, probes and messages of several processes on a busy machine. */
export const HEALTH_BUDGET_MS = 20_000;

export interface EndpointHealth {
  readonly address: string;
  readonly port: number;
  readonly health: { readonly status: string; readonly why: string; readonly since: string };
  readonly activeConnections: number;
}
interface BackendHealth {
  readonly services: readonly {
    readonly serviceName: string;
    readonly serviceHealth: readonly {
      readonly endpoints: readonly EndpointHealth[];
    }[];
  }[];
  readonly healthBus?: { readonly fresh: boolean; readonly reason: string };
}

export async function backendHealth(gateway: Gateway): Promise<BackendHealth> {
  return JSON.parse((await gateway.admin('/backendHealth?detailed=true')).body) as BackendHealth;
}

/** Status of every endpoint, by port. */
export async function statuses(gateway: Gateway): Promise<Record<number, string>> {
  const { services } = await backendHealth(gateway);
  const endpoints = services.flatMap(({ serviceHealth }) => serviceHealth.flatMap((each) => each.endpoints));
  return Object.fromEntries(endpoints.map(({ port, health }) => [port, health.status]));
}

/** Waits until exactly these endpoints have these statuses, in the order of the backends. */
export async function shows(
  gateway: Gateway,
  wanted: readonly (readonly [backend: Pick<HealthBackend, 'port'>, status: string])[],
): Promise<void> {
  const expected = JSON.stringify(Object.fromEntries(wanted.map(([{ port }, status]) => [port, status])));
  await eventually(
    async () => {
      const seen = JSON.stringify(await statuses(gateway));
      if (seen !== expected) throw new Error(`the endpoints are ${seen}, not ${expected}\n${gateway.describeLog()}`);
    },
    { budgetMs: HEALTH_BUDGET_MS },
  );
}

/** Opens `count` connections, one after the other, and closes them; how many each backend got. */
export async function spread(
  gateway: Gateway,
  backends: readonly HealthBackend[],
  count: number,
): Promise<readonly number[]> {
  const before = backends.map(({ opened }) => opened);
  for (let index = 0; index < count; index += 1) {
    const client = await RawClient.upgrade(gateway);
    client.destroy();
  }
  await eventually(() => {
    const sum = backends.reduce((total, { opened }, index) => total + opened - (before[index] ?? 0), 0);
    if (sum < count) throw new Error(`${sum} of ${count} connections reached a backend`);
  });
  return backends.map(({ opened }, index) => opened - (before[index] ?? 0));
}

/** The status that a handshake is answered with. */
export async function answered(gateway: Gateway, target = '/'): Promise<number> {
  const { client, answer } = await RawClient.request(gateway, upgradeHead({ target }));
  client.destroy();
  return answer.status;
}

/** The process of the embedded daemon, as soon as there is one that is not `former`. */
export async function daemonOf(gateway: Gateway, former?: number): Promise<number> {
  return await eventually(
    () => {
      const pid = childrenOf(gateway.pid, 'healthd.js').find((each) => each !== former && runs(each));
      if (pid === undefined) throw new Error(`there is no daemon:\n${gateway.describeLog()}`);
      return pid;
    },
    { budgetMs: HEALTH_BUDGET_MS },
  );
}
