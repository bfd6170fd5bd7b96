/** Options at their bounds: the largest value works, and what cannot work is refused in one line at the start. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sluice } from '../support/command.js';
import { EchoBackend, refusingAddress } from '../support/echo-backend.js';
import { type Field, upgradeHead } from '../support/heads.js';
import { type Description, manifests } from '../support/manifests.js';
import { RawClient } from '../support/raw-client.js';
import { withGateway } from '../support/scenario.js';

const HEAD_MAX = 48 * 1024;
const FIELD_BYTES = 4_000;

/** A handshake of exactly `size` bytes, in fields of a bounded size. */
function headOf(size: number): string {
  const add: Field[] = [];
  for (let at = 0; upgradeHead({ add }).length < size; at += 1) {
    const left = size - upgradeHead({ add }).length - `x-pad-${at}: \r\n`.length;
    add.push([`x-pad-${at}`, 'x'.repeat(left > FIELD_BYTES + 100 ? FIELD_BYTES : left)]);
  }
  return upgradeHead({ add });
}

test('--head-bytes-max at its maximum: a head of that size is forwarded and spliced, one more byte is refused', async () => {
  const backend = await EchoBackend.start();
  await withGateway(
    { config: { services: { echo: [backend] } }, flags: { 'head-bytes-max': '48KiB' } },
    async (gateway) => {
      const { client, answer } = await RawClient.request(gateway, headOf(HEAD_MAX));
      expect(answer.status).toBe(101);
      expect((await backend.request()).one('x-pad-0')).toHaveLength(FIELD_BYTES);
      await client.write('echo');
      expect((await client.read(4)).toString()).toBe('echo');
      client.destroy();
      const over = await RawClient.request(gateway, headOf(HEAD_MAX + 1));
      expect(over.answer.status).toBe(431);
      over.client.destroy();
    },
    [backend],
  );
});

async function serve(description: Description, args: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bounds-'));
  const config = join(folder, 'config.yaml');
  writeFileSync(config, manifests(description));
  const finished = await sluice(['serve', '--config', config, '--admin', 'off', '--access-log', 'off', ...args]);
  rmSync(folder, { recursive: true, force: true });
  return finished;
}

const listeners = [
  { name: 'a', port: 80 },
  { name: 'b', port: 81 },
];
const refused = [
  { name: 'a bind address that is a name', args: ['--bind', 'localhost'], says: /--bind must be an IP.*"localhost"/ },
  { name: 'a head beyond what the engine takes', args: ['--head-bytes-max', '49153'], says: /--head-bytes-max.*49152/ },
  { name: 'a heap too small to start in', args: ['--worker-heap', '32'], says: /--worker-heap.*from 64/ },
  { name: 'no handshakes', args: ['--handshakes-max', '0'], says: /--handshakes-max.*from 1/ },
  { name: 'two ports mapped to one', args: ['--port-map', '80=9000,81=9000'], says: /--port-map.*80.*81.*9000/ },
];

test.each(refused)('$name: exit code 2 and one line', async ({ args, says }) => {
  const { code, stdout, stderr } = await serve({ services: { echo: [await refusingAddress()] }, listeners }, args);
  expect(stderr).toMatch(says);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

test('a port map for a port that no listener declares is a warning that names it', async () => {
  const config = { services: { echo: [await refusingAddress()] } };
  await withGateway({ config, flags: { 'port-map': '80=0,8443=9443' } }, async (gateway) => {
    const warning = await gateway.logged(({ level, msg = '' }) => level === 40 && msg.includes('--port-map'));
    expect(warning.msg).toContain('8443=9443');
  });
});
