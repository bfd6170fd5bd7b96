/**
 * What one connection of the churn and soak tests does, by a seeded choice. Every act ends its connection, and throws
 * when a byte that had to arrive did not.
 */
import { upgradeHead } from './heads.js';
import { PatternCheck, pattern } from './pattern.js';
import type { Random } from './random.js';
import { type Address, RawClient } from './raw-client.js';

export interface Act {
  readonly name: string;
  run(to: Address, random: Random, mark: string): Promise<void>;
}

async function upgraded(to: Address, mark: string, fault = ''): Promise<RawClient> {
  return await RawClient.upgrade(to, { target: `/echo?${mark}&${fault}` });
}

async function gone(client: RawClient): Promise<void> {
  await client.outcome(30_000);
  client.destroy();
}

/** Sends a pattern, in random pieces, and FIN; all of it must come back, then FIN. */
async function echoWhole(to: Address, random: Random, mark: string): Promise<void> {
  const client = await upgraded(to, mark);
  const bytes = pattern(random.between(1, random.next() < 0.1 ? 3_000_000 : 5_000));
  const check = new PatternCheck();
  client.consume((chunk) => check.push(chunk));
  for (let at = 0; at < bytes.length; ) {
    const length = random.between(1, bytes.length);
    client.socket.write(bytes.subarray(at, at + length));
    at += length;
  }
  client.end();
  const outcome = await client.outcome(30_000);
  client.destroy();
  if (outcome !== 'fin' || check.bytes !== bytes.length) {
    throw new Error(`${mark}: ${check.bytes} of ${bytes.length} bytes came back, then ${outcome}`);
  }
}

/** Acts whose every byte must arrive: only these run while workers die. */
export const CLEAN_ACTS: readonly Act[] = [{ name: 'echo', run: echoWhole }];

export const ACTS: readonly Act[] = [
  ...CLEAN_ACTS,
  {
    name: 'client resets with bytes in flight',
    run: async (to, random, mark) => {
      const client = await upgraded(to, mark);
      client.socket.write(pattern(random.between(1, 500_000)));
      if (random.next() < 0.5) {
        await client.read(1);
      }
      client.reset();
    },
  },
  {
    name: 'client leaves unread bytes',
    run: async (to, random, mark) => {
      const client = await upgraded(to, mark, `fault=flood&size=${random.between(1, 3_000_000)}`);
      client.pause();
      client.destroy();
    },
  },
  {
    name: 'backend resets',
    run: async (to, random, mark) => {
      const client = await upgraded(to, mark, `fault=${random.pick(['reset-after-101', 'reset-on-data'])}`);
      client.socket.write('x');
      await gone(client);
    },
  },
  {
    name: 'backend half-closes',
    run: async (to, random, mark) => {
      const size = random.between(0, 300_000);
      const client = await upgraded(to, mark, `fault=half-close&size=${size}`);
      const { length } = await client.readToEnd(30_000);
      client.destroy();
      if (length !== size) {
        throw new Error(`${mark}: ${length} of ${size} bytes came before FIN`);
      }
    },
  },
  {
    name: 'refused by the backend, or wrong',
    run: async (to, random, mark) => {
      const fault = random.pick([
        'answer&status=401',
        'answer&status=403&body=chunked&size=100000',
        'answer&body=eof&size=1000',
        'wrong-accept',
        'garbage',
        'partial-head',
        'reset-before-answer',
        'huge-head',
      ]);
      const { client } = await RawClient.request(to, upgradeHead({ target: `/echo?${mark}&fault=${fault}` }));
      await gone(client);
    },
  },
  {
    name: 'refused by the gateway',
    run: async (to, random, mark) => {
      const request = random.pick([
        upgradeHead({ target: `/echo?${mark}`, method: 'POST' }),
        upgradeHead({ target: `/echo?${mark}`, set: { Host: null } }),
        'garbage\r\n\r\n',
        upgradeHead({ target: `/${'x'.repeat(20_000)}` }),
      ]);
      const { client } = await RawClient.request(to, request);
      await gone(client);
    },
  },
  {
    name: 'leaves inside its head',
    run: async (to, random) => {
      const client = await RawClient.connect(to);
      const bytes = upgradeHead();
      await client.write(bytes.slice(0, random.between(1, bytes.length - 1)));
      random.next() < 0.5 ? client.reset() : client.destroy();
    },
  },
  {
    name: 'leaves while the backend is silent',
    run: async (to, random, mark) => {
      const client = await RawClient.connect(to);
      await client.write(upgradeHead({ target: `/echo?${mark}&fault=silent` }));
      random.next() < 0.5 ? client.reset() : client.destroy();
    },
  },
];
