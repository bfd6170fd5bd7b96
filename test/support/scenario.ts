/**
 * How a test gets its gateway, and what every test is held to: no descriptor stays behind, the process ends cleanly,
 * and nothing that the test opened survives it.
 */
import { afterAll, afterEach, beforeAll } from 'vitest';
import { Gateway } from './gateway.js';
import type { GatewayOptions } from './launch.js';

/** Something with a `close` of its own, registered so that it is closed even when the test fails. */
export interface Closable {
  close(): Promise<void> | void;
}

/** Runs `body` with a gateway of its own; what `own()` was given is closed first, then the gateway. */
export async function withGateway(
  options: GatewayOptions,
  body: (gateway: Gateway) => Promise<void>,
  closables: readonly Closable[] = [],
): Promise<void> {
  let gateway: Gateway | undefined;
  try {
    gateway = await Gateway.start(options);
    await body(gateway);
    if (gateway.running) {
      await gateway.settled();
    }
    await gateway.stop();
  } catch (error) {
    await gateway?.kill();
    throw error;
  } finally {
    for (const closable of closables) {
      await closable.close();
    }
  }
}

/**
 * One gateway for the tests of a file, with the backends that `open` starts. After each test the gateway must be
 * back at the descriptors that it started with.
 */
export function sharedGateway<T extends Readonly<Record<string, Closable>>>(
  open: () => Promise<T>,
  options: (backends: T) => GatewayOptions,
): () => { gateway: Gateway; backends: T } {
  let gateway: Gateway | undefined;
  let backends: T | undefined;
  beforeAll(async () => {
    backends = await open();
    gateway = await Gateway.start(options(backends));
  });
  afterEach(async () => {
    await gateway?.settled();
  });
  afterAll(async () => {
    try {
      await gateway?.stop();
    } finally {
      for (const backend of Object.values(backends ?? {})) {
        await backend.close();
      }
    }
  });
  return () => {
    if (!gateway || !backends) {
      throw new Error('the gateway is not running');
    }
    return { gateway, backends };
  };
}
