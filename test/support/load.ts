/** Spliced connections that echo without pause, so that a test can see who is disturbed by what it does meanwhile. */
import { eventually } from './eventually.js';
import { type Address, RawClient } from './raw-client.js';

export class EchoLoad {
  readonly rounds: number[];
  readonly failures: unknown[] = [];
  #stopped = false;
  readonly #lanes: Promise<void>[];

  private constructor(readonly clients: readonly RawClient[]) {
    this.rounds = clients.map(() => 0);
    this.#lanes = clients.map((client, index) => this.#run(client, index));
  }

  static async start(to: Address, count: number): Promise<EchoLoad> {
    return new EchoLoad(await Promise.all(Array.from({ length: count }, () => RawClient.upgrade(to))));
  }

  async #run(client: RawClient, index: number): Promise<void> {
    try {
      while (!this.#stopped) {
        const round = (this.rounds[index] ?? 0) + 1;
        const message = `round ${round}`;
        await client.write(message);
        const echoed = (await client.read(message.length, 20_000)).toString();
        if (echoed !== message) {
          throw new Error(`sent ${message}, got ${echoed}`);
        }
        this.rounds[index] = round;
      }
    } catch (error) {
      this.failures.push(error);
    }
  }

  /** Waits until every connection has done `more` further rounds. Throws as soon as one has failed. */
  async proceed(more: number, budgetMs = 15_000): Promise<void> {
    const from = [...this.rounds];
    await eventually(
      () => {
        if (this.failures.length === 0) {
          const behind = this.rounds.filter((round, index) => round < (from[index] ?? 0) + more).length;
          if (behind > 0) {
            throw new Error(`${behind} of ${this.rounds.length} connections have not done ${more} more rounds`);
          }
        }
      },
      { budgetMs },
    );
    this.throwFailure();
  }

  throwFailure(): void {
    if (this.failures.length > 0) {
      throw this.failures[0];
    }
  }

  /** Ends every connection cleanly. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
    for (const client of this.clients) {
      client.end();
    }
    this.throwFailure();
    await Promise.all(this.clients.map((client) => client.outcome()));
  }
}
