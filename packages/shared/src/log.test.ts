import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createLogger } from './log.js';

test('lines of the level and above are JSON with the name of the component', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-log-'));
  try {
    const file = join(folder, 'log');
    const log = createLogger({ level: 'info', name: 'primary', destination: file });
    log.debug('not this');
    log.info({ workers: 2 }, 'ready');
    await new Promise((resolve) => log.flush(resolve));
    const lines = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([{ level: 30, name: 'primary', workers: 2, msg: 'ready' }]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a file that cannot be opened throws at once', () => {
  expect(() => createLogger({ level: 'info', name: 'x', destination: '/nonexistent/folder/log' })).toThrow('ENOENT');
});
