/**
 * What a worker counts about handshakes, in memory that the primary reads at a scrape: no message, no allocation.
 *
 * Every number has one writer, the worker in this slot, and outlives it: the successor goes on where it stopped. Worker
 * thread.
 */
export interface HandshakeMeters {
  /**
   * The metric group (also the engine's) of a listener, a rule and a service: indexes into the snapshot, -1 for not known.
   * A number that the engine's calls take.
   */
  group(listener: number, rule: number, service: number): number;
  /** The final status that a client got for a handshake. */
  answered(group: number, status: number): void;
  /** A backend took the connection after so long. */
  connected(group: number, connectMs: number): void;
  /** The client got its 101 so long after its request was complete. */
  upgraded(group: number, elapsedMs: number): void;
}
