/** Runs the echo backend as a process of its own, for tests that need more descriptors than one process may have. */
import { EchoBackend } from './echo-backend.js';

/** `count` asks for the connections that are open now. */
export type ChildQuestion = 'count';
export type ChildMessage = { readonly address: string; readonly port: number } | { readonly open: number };

const backend = await EchoBackend.start({ record: false, port: Number(process.argv[2] ?? 0) });
process.on('message', (question: ChildQuestion) => {
  if (question === 'count') {
    process.send?.({ open: backend.open } satisfies ChildMessage);
  }
});
process.on('disconnect', () => process.exit());
process.send?.({ address: backend.address, port: backend.port } satisfies ChildMessage);
