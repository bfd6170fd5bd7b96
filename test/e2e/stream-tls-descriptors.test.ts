/**
 * A client over TLS with a plain request takes a descriptor more than the one that it was accepted with. When there is
 * none, it is told so at once, and those that are served are not touched.
 */
import { expect, test } from 'vitest';
import { type Answer, readAnswer } from '../support/answer.js';
import { eventually } from '../support/eventually.js';
import { HttpBackend } from '../support/http-backend.js';
import { withGateway } from '../support/scenario.js';
import { type TlsClient, tlsConnect } from '../support/tls-client.js';
import { OPEN_HOST, TlsWorld } from '../support/tls-world.js';

const LIMIT = 260;
const CLIENTS = 150;
const GET = `GET /events HTTP/1.1\r\nHost: ${OPEN_HOST}\r\n\r\n`;

/** As many as the gateway accepts: the others wait in the kernel's queue. */
async function accepted(connecting: readonly Promise<TlsClient>[]): Promise<TlsClient[]> {
  const clients: TlsClient[] = [];
  for (const one of connecting) one.then((client) => clients.push(client)).catch(() => undefined);
  let count = -1;
  await eventually(
    () => {
      const same = clients.length === count && count > 0;
      count = clients.length;
      expect(same).toBe(true);
    },
    { successes: 40 },
  );
  return clients;
}

async function answered({ client }: TlsClient): Promise<string> {
  await client.write(GET);
  const { status } = await client.readHead();
  return status === 200 ? '200' : `${status} ${(await client.readToEnd()).toString()}`;
}

test('without a descriptor the request is answered with 503', async () => {
  const [http, world] = [await HttpBackend.start(), new TlsWorld()];
  const options = {
    config: world.manifests({ http: [http] }),
    flags: { 'port-map': '443=0', workers: '1', 'eject-after': '0' },
    wrapper: ['prlimit', `--nofile=${LIMIT}:${LIMIT}`],
  };
  const body = async (gateway: { address: string; port: number }) => {
    const connecting = Array.from({ length: CLIENTS }, () => tlsConnect(gateway, world.trust()));
    const clients = await accepted(connecting);
    expect(clients.length).toBeLessThan(CLIENTS);
    const answers = await Promise.all(clients.map(answered));
    const refused = answers.filter((answer) => answer !== '200');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(answers.length);
    for (const answer of refused) expect(answer).toMatch(/^503 .*\((local-exhausted)\)/);
    for (const { socket } of clients) socket.destroy();
    for (const one of connecting) one.then(({ socket }) => socket.destroy()).catch(() => undefined);
    const later: Answer = await eventually(async () => {
      const { client, socket } = await tlsConnect(gateway, world.trust());
      await client.write(GET.replace('/events', '/echo'));
      const answer = await readAnswer(client);
      socket.destroy();
      expect(answer.head.status).toBe(200);
      return answer;
    });
    expect(later.body.length).toBeGreaterThan(0);
    http.closeIdle();
  };
  await withGateway(options, body, [http, world]);
});
