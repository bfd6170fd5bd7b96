import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ParentLine } from './parent-line.js';

class Channel extends EventEmitter {
  connected = true;
}

function scene() {
  const channel = new Channel();
  const configured: string[] = [];
  const line = new ParentLine((services) => configured.push(services), channel);
  const heard: unknown[] = [];
  const listener = (message: unknown): void => {
    heard.push(message);
  };
  return { channel, configured, line, heard, listener };
}

describe('ParentLine', () => {
  it('gives each of two listeners its own', () => {
    const { channel, configured, line, heard, listener } = scene();
    line.on('message', listener);
    channel.emit('message', { type: 'configure', services: 'one' });
    channel.emit('message', { type: 'read' });
    channel.emit('message', { type: 'configure', services: 'two' });
    channel.emit('message', { type: 'configure', services: 3 });
    line.off('message', listener);
    channel.emit('message', { type: 'read' });
    expect({ configured, heard }).toEqual({
      configured: ['one', 'two'],
      heard: [{ type: 'read' }, { type: 'configure', services: 3 }],
    });
  });

  it('keeps the last seed for a bus that listens later, once', async () => {
    const { channel, line, heard, listener } = scene();
    channel.emit('message', { type: 'seed', table: null });
    channel.emit('message', { type: 'read' });
    const table = { type: 'table', epoch: 1, version: 0, timestampMs: 1, publisher: 'p', services: [], endpoints: [] };
    channel.emit('message', { type: 'seed', table });
    line.on('message', listener);
    expect(heard).toEqual([]);
    await setImmediate();
    expect(heard).toEqual([{ type: 'seed', table }]);
    line.off('message', listener);
    line.on('message', listener);
    await setImmediate();
    expect(heard).toHaveLength(1);
  });

  it('passes the end of the channel on', () => {
    const { channel, line } = scene();
    let ends = 0;
    const onEnd = (): void => {
      ends += 1;
    };
    line.on('disconnect', onEnd);
    channel.emit('disconnect');
    line.off('disconnect', onEnd);
    channel.emit('disconnect');
    expect({ ends, connected: line.connected }).toEqual({ ends: 1, connected: true });
  });
});
