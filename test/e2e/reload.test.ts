/** The ways in which a configuration changes under a gateway, and those in which it does not. */
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EchoBackend } from '../support/echo-backend.js';
import { eventually } from '../support/eventually.js';
import { Exposition } from '../support/exposition.js';
import type { Gateway } from '../support/gateway.js';
import { upgradeHead } from '../support/heads.js';
import { type Description, manifests } from '../support/manifests.js';
import { RawClient } from '../support/raw-client.js';
import { applied, attempted, configFile, configOf, reloads, replaceConfig } from '../support/reloading.js';
import { withGateway } from '../support/scenario.js';

async function backends(): Promise<[EchoBackend, EchoBackend]> {
  return [await EchoBackend.start(), await EchoBackend.start()];
}

/** Everything goes to this backend. */
function to(backend: EchoBackend): Description {
  return { services: { echo: [backend] } };
}

async function reaches(gateway: Gateway, backend: EchoBackend): Promise<void> {
  const before = backend.requests;
  (await RawClient.upgrade(gateway)).destroy();
  expect(backend.requests).toBe(before + 1);
}

test('a file that is written, and one that is renamed over it', async () => {
  const [first, second] = await backends();
  await withGateway(
    { config: to(first) },
    async (gateway) => {
      const { version, statuses, paths } = await configOf(gateway);
      expect([statuses, paths]).toEqual([expect.any(Array), [configFile(gateway)]]);
      await reaches(gateway, first);
      const page = await applied(gateway, () => writeFileSync(configFile(gateway), manifests(to(second))));
      expect(page).toMatchObject({ lastAttempt: { result: 'applied', issues: [] } });
      await reaches(gateway, second);
      const back = await applied(gateway, () => replaceConfig(gateway, to(first)));
      expect(back.version).toBe(version);
      await reaches(gateway, first);
      const metrics = new Exposition((await gateway.admin('/metrics')).body);
      expect(metrics.series('sluice_config_info')).toMatchObject([{ labels: { version }, value: 1 }]);
      expect(metrics.sum('sluice_config_last_reload_success')).toBe(1);
    },
    [first, second],
  );
});

test('SIGHUP, when files are not watched', async () => {
  const [first, second] = await backends();
  await withGateway(
    { config: to(first), flags: { watch: 'off' } },
    async (gateway) => {
      replaceConfig(gateway, to(second));
      await reaches(gateway, first);
      await applied(gateway, () => gateway.child.kill('SIGHUP'));
      await reaches(gateway, second);
      await attempted(gateway, 'unchanged', () => gateway.child.kill('SIGHUP'));
    },
    [first, second],
  );
});

test('a folder like a ConfigMap, by the swap of its symlink', async () => {
  const [first, second] = await backends();
  await withGateway(
    { config: to(first) },
    async (bare) => {
      const root = join(bare.folder, 'map');
      const project = (generation: number, config: Description): void => {
        mkdirSync(join(root, `..${generation}`), { recursive: true });
        writeFileSync(join(root, `..${generation}`, 'all.yaml'), manifests(config));
        symlinkSync(`..${generation}`, join(root, '..data_tmp'));
        renameSync(join(root, '..data_tmp'), join(root, '..data'));
        rmSync(join(root, `..${generation - 1}`), { recursive: true, force: true });
      };
      project(1, to(first));
      symlinkSync(join('..data', 'all.yaml'), join(root, 'all.yaml'));
      await withGateway({ config: to(first), flags: { config: root } }, async (gateway) => {
        await reaches(gateway, first);
        await applied(gateway, () => project(2, to(second)));
        await reaches(gateway, second);
        await applied(gateway, () => project(3, to(first)));
        await reaches(gateway, first);
      });
    },
    [first, second],
  );
});

test('what is wrong changes nothing, and is logged, counted and shown', async () => {
  const [first, second] = await backends();
  await withGateway(
    { config: to(first), expectErrors: true },
    async (gateway) => {
      const { version } = await configOf(gateway);
      const wrong = Array.from({ length: 30 }, (_, at) => `kind: Gateway\nmetadata: {name: g${at}}`).join('\n---\n');
      const refused = await attempted(gateway, 'refused', () => replaceConfig(gateway, wrong));
      expect(refused).toMatchObject({ version, lastAttempt: { result: 'refused' } });
      expect(refused.lastAttempt.issues.length).toBeGreaterThanOrEqual(30);
      expect(refused.lastAttempt.issues[0]).toContain(`${configFile(gateway)}:1:`);
      await reaches(gateway, first);
      await gateway.logged(({ msg }) => msg === 'the configuration is refused; the one before stays in force');
      const lines = gateway.log.filter(({ msg = '' }) => msg.startsWith(configFile(gateway)));
      expect(lines).toHaveLength(20);
      await gateway.logged(({ more }) => more === refused.lastAttempt.issues.length - 20);
      const metrics = new Exposition((await gateway.admin('/metrics')).body);
      expect(metrics.sum('sluice_config_last_reload_success')).toBe(0);
      expect((await gateway.admin('/readyz')).status).toBe(200);
      await attempted(gateway, 'refused', () => rmSync(configFile(gateway)));
      await applied(gateway, () => replaceConfig(gateway, to(second)));
      await reaches(gateway, second);
    },
    [first, second],
  );
});

test('equal configuration is no change, however it is written', async () => {
  const [first] = await backends();
  await withGateway(
    { config: to(first) },
    async (gateway) => {
      const { version, appliedAt } = await configOf(gateway);
      const documents = readFileSync(configFile(gateway), 'utf8').split('\n---\n');
      const turned = `# the same\n${documents.reverse().join('\n---\n')}`;
      const page = await attempted(gateway, 'unchanged', () => replaceConfig(gateway, turned));
      expect(page).toMatchObject({ version, appliedAt, lastAttempt: { result: 'unchanged' } });
      expect(await reloads(gateway, 'applied')).toBe(0);
    },
    [first],
  );
});

test('a storm of changes ends with the last one in force', async () => {
  const all = await backends();
  await withGateway(
    // A file may be read while it is half written: that is refused, and the end of writing is another event.
    { config: to(all[0]), expectErrors: true },
    async (gateway) => {
      for (let round = 0; round < 100; round += 1) {
        const text = manifests(to(all[round % 2] as EchoBackend));
        if (round % 3 === 0) replaceConfig(gateway, text);
        else writeFileSync(configFile(gateway), text);
        await new Promise(setImmediate);
      }
      await eventually(() => reaches(gateway, all[1]), { budgetMs: 20_000 });
      await eventually(async () => {
        expect((await configOf(gateway)).lastAttempt.result).not.toBe('refused');
        await reaches(gateway, all[1]);
      });
      const count = (await reloads(gateway, 'applied')) + (await reloads(gateway, 'unchanged'));
      expect(count).toBeLessThan(60);
    },
    all,
  );
});

test('standard input serves, and cannot change', async () => {
  const [first] = await backends();
  const text = manifests(to(first));
  await withGateway(
    { config: to(first), wrapper: ['sh', '-c', `exec "$@" <<'END'\n${text}\nEND\n`, 'sh'], flags: { config: '-' } },
    async (gateway) => {
      await reaches(gateway, first);
      expect((await configOf(gateway)).paths).toEqual(['-']);
      await attempted(gateway, 'unchanged', () => gateway.child.kill('SIGHUP'));
    },
    [first],
  );
});

test('a worker that dies or hangs during a change holds up nobody', async () => {
  const [first, second] = await backends();
  await withGateway(
    { config: to(first), faults: true, expectErrors: true, flags: { 'worker-hang-timeout': '5s' } },
    async (gateway) => {
      await gateway.admin('/fault/hang?worker=0', 'POST');
      // Worker 0 has not seen it, and what it has accepted waits; worker 1 goes on with the new one.
      await applied(gateway, () => replaceConfig(gateway, to(second)));
      await gateway.admin('/fault/exit?worker=1', 'POST');
      await applied(gateway, () => replaceConfig(gateway, to(first)));
      await eventually(() => expect(gateway.log.filter(({ msg }) => msg === 'worker ready')).toHaveLength(4), {
        budgetMs: 30_000,
      });
      const before = second.requests;
      for (let count = 0; count < 10; count += 1) await reaches(gateway, first);
      expect(second.requests).toBe(before);
    },
    [first, second],
  );
});

test('a request for a route that is gone is answered with 404, one for a new route goes there', async () => {
  const [first, second] = await backends();
  const services = { first: [first], second: [second] };
  const route = (name: string) => ({ name, rules: [{ prefix: `/${name}`, backends: [name] }] });
  await withGateway(
    { config: { services, routes: [route('first')] } },
    async (gateway) => {
      const status = async (target: string): Promise<number> => {
        const { client, answer } = await RawClient.request(gateway, upgradeHead({ target }));
        client.destroy();
        return answer.status;
      };
      expect([await status('/first'), await status('/second')]).toEqual([101, 404]);
      await applied(gateway, () => replaceConfig(gateway, { services, routes: [route('second')] }));
      expect([await status('/first'), await status('/second')]).toEqual([404, 101]);
    },
    [first, second],
  );
});
