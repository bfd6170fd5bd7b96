/**
 * The gateway as start.mjs runs it: `sluice` with its own arguments, which drains and ends when its parent is gone,
 * however that ended. The IPC channel says so, and by itself it does not keep the process alive.
 */
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();

await import('../../packages/dataplane/bin/sluice.js');
