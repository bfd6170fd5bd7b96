import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createLogger } from './log.js';

test('lines of the level and above are JSON with the name of the component', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-log-'));
  try {
    const file = join(folder, 'log');
    const log = createLogger({ level: 'info', name: 'primary', destination: file });
    log.debug('not this');
    log.info({ workers: 2 }, 'ready');
    // pino's flush does not wait for a write that is under way when nothing is buffered: the file itself says it.
    const text = await vi.waitUntil(() => readFileSync(file, 'utf8'));
    const lines = text.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 30, name: 'primary', workers: 2, msg: 'ready' },
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a file that cannot be opened throws at once', () => {
  expect(() => createLogger({ level: 'info', name: 'x', destination: '/nonexistent/folder/log' })).toThrow('ENOENT');
});
