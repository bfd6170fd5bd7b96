/**
 * The gateway as start.mjs runs it: `gateway.mjs BACKEND_PORTS [flags of sluice serve]`. It drains and ends when its
 * parent is gone, however that ended: the IPC channel says so, and by itself it does not keep the process alive.
 */
import { configFolder } from './config.mjs';

process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();

const [backendPorts, ...flags] = process.argv.slice(2);
process.argv.splice(2, Infinity, 'serve', '--config', configFolder(backendPorts.split(',').map(Number)), ...flags);

await import('../../packages/dataplane/bin/sluice.js');
