/** A steady stream of new connections, each with the moment it asked, the moment it had its answer, and the answer. */
import { setTimeout as delay } from 'node:timers/promises';
import { upgradeHead } from '../heads.js';
import { type Address, RawClient } from '../raw-client.js';

const PAUSE_MS = 20;
const ANSWER_BUDGET_MS = 30_000;

export interface Newcomer {
  readonly askedMs: number;
  readonly answeredMs: number;
  /** Status of the answer; 0 when there was none. */
  readonly status: number;
  readonly what: string;
}

export class Newcomers {
  readonly all: Newcomer[] = [];
  #stopped = false;
  readonly #lanes: Promise<void>[];

  /** `lanes`: how many ask at the same time at each gateway, so that one that waits does not silence the others. */
  constructor(gateways: readonly Address[], lanes: number) {
    this.#lanes = gateways.flatMap((gateway) => Array.from({ length: lanes }, () => this.#lane(gateway)));
  }

  async #lane(gateway: Address): Promise<void> {
    while (!this.#stopped) {
      const askedMs = performance.now();
      const { status, what } = await this.#ask(gateway);
      this.all.push({ askedMs, answeredMs: performance.now(), status, what });
      await delay(PAUSE_MS);
    }
  }

  async #ask(gateway: Address): Promise<{ status: number; what: string }> {
    try {
      const client = await RawClient.connect(gateway);
      try {
        await client.write(upgradeHead({ target: '/echo?newcomer' }));
        const answer = await client.readHead(ANSWER_BUDGET_MS);
        return { status: answer.status, what: answer.raw };
      } finally {
        client.destroy();
      }
    } catch (error) {
      return { status: 0, what: (error as Error).message };
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
  }
}
