/**
 * Connections that talk all the time: each sends a line, waits for its echo, pauses, and says when and how it ended.
 *
 * A talker that ends is replaced by a new one, so their number stays. Which backend a talker had is in the access log,
 * under the request id of its 101.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { upgradeHead } from '../heads.js';
import { type Address, RawClient } from '../raw-client.js';

const PAUSE_MS = 250;
/** Above every hang, so that a stalled connection is not taken for a lost one. */
const ECHO_BUDGET_MS = 60_000;

export interface Loss {
  readonly requestId: string;
  readonly atMs: number;
  readonly lastEchoMs: number;
  readonly what: string;
}

export class Talkers {
  readonly losses: Loss[] = [];
  echoes = 0;
  /** The longest that any echo has taken since this was last set. */
  slowestMs = 0;
  /** Connections that talk now. */
  talking = 0;
  #stopped = false;
  readonly #lanes: Promise<void>[];

  constructor(gateways: readonly Address[], count: number) {
    this.#lanes = Array.from({ length: count }, (_, index) => this.#lane(gateways[index % gateways.length] as Address));
  }

  async #lane(gateway: Address): Promise<void> {
    while (!this.#stopped) {
      const { client, answer } = await RawClient.request(gateway, upgradeHead({ target: '/echo?talker' }));
      if (answer.status !== 101) {
        // New connections are judged elsewhere; a talker only wants to talk.
        client.destroy();
        await delay(PAUSE_MS);
        continue;
      }
      await this.#talk(client, answer.one('x-request-id') ?? '');
    }
  }

  async #talk(client: RawClient, requestId: string): Promise<void> {
    let lastEchoMs = performance.now();
    this.talking += 1;
    try {
      for (let round = 0; !this.#stopped; round += 1) {
        const line = `${requestId} ${round}\n`;
        const saidMs = performance.now();
        await client.write(line);
        const echoed = (await client.read(line.length, ECHO_BUDGET_MS)).toString();
        if (echoed !== line) throw new Error(`sent ${JSON.stringify(line)}, got ${JSON.stringify(echoed)}`);
        lastEchoMs = performance.now();
        this.slowestMs = Math.max(this.slowestMs, lastEchoMs - saidMs);
        this.echoes += 1;
        await delay(PAUSE_MS);
      }
      client.end();
      await client.outcome(ECHO_BUDGET_MS);
    } catch (error) {
      this.losses.push({ requestId, atMs: performance.now(), lastEchoMs, what: (error as Error).message });
      client.destroy();
    } finally {
      this.talking -= 1;
    }
  }

  /** Ends every connection cleanly. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
  }
}
