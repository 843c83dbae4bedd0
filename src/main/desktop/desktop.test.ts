import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../cluster/clock';
import { ownArguments } from './arguments';
import { isPage, isWeb } from './origin';
import { keepWindowState, readWindowState } from './window-state';

describe('origins', () => {
  it('are told apart by their parts', () => {
    expect(['app://gantry/', 'app://gantry/index.html#/pods', 'APP://gantry/x'].every(isPage)).toBe(true);
    const foreign = [
      'app://gantry.evil/',
      'app://evil/app://gantry/',
      'app://user@gantry/',
      'https://gantry/',
      'app:gantry',
      'about:blank',
      'file:///app://gantry/',
      '',
    ];
    expect(foreign.filter(isPage)).toEqual([]);
    expect(['https://kubernetes.io', 'http://127.0.0.1:1'].every(isWeb)).toBe(true);
    expect(['file:///etc/passwd', 'javascript:alert(1)', 'ssh://x', 'https', '//x'].filter(isWeb)).toEqual([]);
  });
});

describe('the command line', () => {
  it('keeps our flags and leaves those of Chromium and the inspector', () => {
    const argv = [
      'electron',
      '--inspect=0',
      '--remote-debugging-port=0',
      '/app',
      '--no-sandbox',
      '--data-dir',
      'd',
      '--nodes=2',
    ];
    expect(ownArguments(argv, false)).toEqual(['--data-dir', 'd', '--nodes=2']);
    expect(ownArguments(['gantry', '--disable-gpu', '--verbose'], true)).toEqual(['--verbose']);
    expect(ownArguments(['electron', '.'], false)).toEqual([]);
  });
});

describe('the state of the window', () => {
  const screens = [{ x: 0, y: 0, width: 1920, height: 1080 }];

  it('is kept, and given up when it is wrong or off every screen', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'gantry-window-'));
    try {
      const file = join(directory, 'desktop', 'window.json');
      const clock = new FakeClock();
      const listeners = new Map<string, () => void>();
      const bounds = { x: 10, y: 20, width: 900, height: 700 };
      keepWindowState(
        {
          on: (event, listener) => listeners.set(event, listener),
          getNormalBounds: () => bounds,
          isMaximized: () => true,
        },
        file,
        clock,
      );
      expect(readWindowState(file, screens)).toEqual({ bounds: { width: 1360, height: 880 }, maximized: false });
      listeners.get('move')!();
      listeners.get('resize')!();
      await clock.advance(499);
      expect(() => readFileSync(file)).toThrow();
      await clock.advance(1);
      expect(readWindowState(file, screens)).toEqual({ bounds, maximized: true });
      expect(readWindowState(file, [{ x: 5000, y: 0, width: 100, height: 100 }]).bounds).toEqual({
        width: 900,
        height: 700,
      });
      writeFileSync(file, '{"bounds":{"x":0,"y":0,"width":-5,"height":1e9},"maximized":false}');
      expect(readWindowState(file, screens).bounds).toEqual({ width: 1360, height: 880 });
      listeners.get('close')!();
      expect(readWindowState(file, screens).bounds).toEqual(bounds);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
