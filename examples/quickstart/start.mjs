/**
 * `npm start`: two demo backends and the gateway in front of them, with the manifests of this folder.
 *
 *   npm start                            gateway at 127.0.0.1:8080
 *   npm start -- --port 8090             another port; PORT=8090 npm start does the same
 *   BACKEND_PORTS=9201,9202 npm start    other ports for the demo backends
 *   npm start -- --workers 1 …           everything else goes to `sluice serve`
 *
 * Ctrl-C ends all processes, the gateway's health daemon too, and so does the death of this one, whatever its cause. Exit codes:
 * 0 ended by a signal; 1 something did not start or ended by itself.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Children } from './children.mjs';
import { DECLARED_BACKEND_PORTS } from './config.mjs';

const FOLDER = path.dirname(fileURLToPath(import.meta.url));
const HOST = '127.0.0.1';
/** The port that the Gateway of gateway.yaml declares. */
const DECLARED_PORT = 8080;
/** A demo backend that has died is started again after so long: time to see what the gateway does meanwhile. */
const REVIVAL_MS = 5000;

/** The number from 1 to 65535 that a text is, undefined when it is none. */
function portOf(text) {
  const port = /^\d{1,5}$/.test(text ?? '') ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

function parsePorts(args, env) {
  const at = args.indexOf('--port');
  const text = at === -1 ? (env.PORT ?? String(DECLARED_PORT)) : args[at + 1];
  const port = portOf(text);
  if (port === undefined) return { problem: `--port and PORT take a number from 1 to 65535, not "${text ?? ''}".` };
  const ports = (env.BACKEND_PORTS ?? DECLARED_BACKEND_PORTS.join(',')).split(',').map(portOf);
  if (ports.length !== 2 || ports.includes(undefined))
    return { problem: `BACKEND_PORTS takes two numbers, as in 9201,9202, not "${env.BACKEND_PORTS}".` };
  const backends = ports.map((backendPort, index) => ({ name: 'AB'[index], port: backendPort }));
  return { port, backends, rest: at === -1 ? args : args.toSpliced(at, 2) };
}

/** The error code of binding the port now, undefined when it is free. */
function bindProblem(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error) => resolve(error.code));
    probe.listen(port, HOST, () => probe.close(() => resolve(undefined)));
  });
}

async function portProblem(port, backends) {
  for (const { name, port: backendPort } of backends) {
    if (await bindProblem(backendPort))
      return `Port ${backendPort} is taken, and demo backend ${name} needs it: choose others with  BACKEND_PORTS=9201,9202 npm start`;
  }
  const code = await bindProblem(port);
  if (code === 'EADDRINUSE') return `Port ${port} is taken: choose another one with  npm start -- --port ${port + 10}`;
  return code && `Port ${port} cannot be used (${code}): choose another one with  npm start -- --port ${DECLARED_PORT}`;
}

/** The demo backends by name, each with its process of now. */
const backends = new Map();

/** Starts a backend; resolves when it listens. What is said in its room is handed to the others. */
async function startBackend(children, { name, port }) {
  const args = [path.join(FOLDER, 'backend.mjs'), String(port), name];
  const child = children.start(`backend ${name}`, args, ['ignore', 'inherit', 'inherit', 'ipc']);
  backends.set(name, child);
  child.on('message', ({ line }) => {
    const others = [...backends.values()].filter((other) => other !== child && other.connected);
    // A backend may die while it is told: with a callback that is no error of this process.
    if (line !== undefined) for (const other of others) other.send({ line }, () => {});
  });
  await once(child, 'message');
}

/** Resolves when the gateway has said that it is ready: its first line on stdout. Later lines are passed on. */
async function startGateway(children, { port, backends: wanted, rest }) {
  const map = port === DECLARED_PORT ? [] : ['--port-map', `${DECLARED_PORT}=${port}`];
  const quiet = ['--admin', 'off', '--access-log', 'off', '--log-level', 'warn', '--drain-timeout', '1'];
  const backendPorts = wanted.map((backend) => backend.port).join(',');
  const serve = ['--bind', HOST, ...quiet, ...map, ...rest];
  const stdio = ['ignore', 'pipe', 'inherit', 'ipc'];
  const gateway = children.start('the gateway', [path.join(FOLDER, 'gateway.mjs'), backendPorts, ...serve], stdio);
  const lines = createInterface({ input: gateway.stdout });
  await once(lines, 'line');
  lines.on('line', (line) => console.log(line));
}

function welcome({ port, backends: wanted, rest }) {
  const url = `ws://${HOST}:${port}`;
  const chat = port === DECLARED_PORT ? 'npm run chat' : `PORT=${port} npm run chat`;
  const named = wanted.map(({ name, port: backendPort }) => `${name} (${HOST}:${backendPort})`).join(' and ');
  // On other ports the gateway has a copy of the folder.
  const served = wanted.every(({ port: backendPort }, index) => backendPort === DECLARED_BACKEND_PORTS[index]);
  const hints = [
    [chat, 'the chat room: open two and talk to yourself'],
    [`${chat} -- anna`, 'the same under another name'],
    [`${chat} -- me ${url}/echo`, 'every line comes back'],
    [`curl -i http://${HOST}:${port}/chat`, 'a plain request: the backend answers'],
    [
      `kill -9 ${backends.get('A').pid}`,
      `backend A dies: new connections go to B, until A is back after ${REVIVAL_MS / 1000} s`,
    ],
    ...(served
      ? [['edit examples/quickstart/route.yaml', 'served at once; a mistake is told here, and changes nothing']]
      : []),
    ...(rest.some((argument) => argument.startsWith('--admin'))
      ? []
      : [['npm start -- --admin 127.0.0.1:9900', 'the next time: /config, /backendHealth?detailed=true, /metrics']]),
  ];
  const width = Math.max(...hints.map(([command]) => command.length));
  console.log(`\nSluice listens at ${url}, in front of the demo backends ${named}.\n`);
  console.log('Try in another terminal:');
  for (const [command, what] of hints) console.log(`  ${command.padEnd(width)}   ${what}`);
  console.log('\nCtrl-C ends everything.\n');
}

async function main() {
  const { problem, ...how } = parsePorts(process.argv.slice(2), process.env);
  const trouble = problem ?? (await portProblem(how.port, how.backends));
  if (trouble) {
    console.error(trouble);
    process.exit(1);
  }
  let ending = false;
  const endAll = async (code) => {
    if (ending) return;
    ending = true;
    await children.end();
    process.exit(code);
  };
  let serving = false;
  const children = new Children((name, code) => {
    const ended = `${name} ended by itself (${code === null ? 'killed' : `exit code ${code}`})`;
    const backend = how.backends.find((wanted) => name === `backend ${wanted.name}`);
    if (!serving || backend === undefined) {
      console.error(`${ended}: ending the rest.`);
      endAll(1);
      return;
    }
    console.error(`${ended}: the gateway leaves it out; it is started again in ${REVIVAL_MS / 1000} s.`);
    setTimeout(() => !ending && startBackend(children, backend), REVIVAL_MS);
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => endAll(0));
  await Promise.all(how.backends.map((backend) => startBackend(children, backend)));
  await startGateway(children, how);
  serving = true;
  if (!ending) welcome(how);
}

await main();
