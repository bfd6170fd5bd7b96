/**
 * Where a target is put: the backend it forwards to, a folder for its generated configuration, the cores it may use;
 * and how a port for it is found and awaited.
 */
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { TlsTerms } from './certificate.js';
import type { Child } from './child.js';

export interface TargetPlace {
  backendPort: number;
  tls: TlsTerms;
  /** Temporary folder for the configuration; removed by the runner. */
  folder: string;
  /** CPU list for taskset; undefined leaves the placement to the scheduler. */
  cpus: string | undefined;
}

/** `direct` has no process of its own that counts, and speaks no TLS; `openssl` speaks nothing else. */
export interface Started {
  port: number;
  /** Where it speaks TLS. */
  securePort?: number;
  child: Child | undefined;
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** A port nobody listens on, below the kernel's range for outgoing connections, which could take it meanwhile. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await canListen(port)) return port;
  }
  throw new Error('no free port between 20000 and 32000');
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Waits until the port accepts. @throws Error when the child ends first or does not listen within ten seconds. */
export async function waitForPort(port: number, child: Child): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await accepts(port))) {
    if (child.exited) throw new Error(`${child.command} ended early: ${child.stderr || 'no message'}`);
    if (Date.now() > deadline) throw new Error(`${child.command} does not listen on ${port}: ${child.stderr}`);
    await delay(20);
  }
}
