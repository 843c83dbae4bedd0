import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Clock, Timer } from '../cluster/clock';

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface WindowState {
  bounds: { width: number; height: number; x?: number; y?: number };
  maximized: boolean;
}

const integer = z.number().int();
const stored = z.object({
  bounds: z.object({ x: integer, y: integer, width: integer.min(400), height: integer.min(300) }),
  maximized: z.boolean(),
});

/** So much of the window must be on a screen to be found again, in pixels. */
const VISIBLE = 100;

function isVisible(bounds: Rectangle, screens: Rectangle[]): boolean {
  return screens.some((screen) => {
    const width = Math.min(bounds.x + bounds.width, screen.x + screen.width) - Math.max(bounds.x, screen.x);
    const height = Math.min(bounds.y + bounds.height, screen.y + screen.height) - Math.max(bounds.y, screen.y);
    return width >= VISIBLE && height >= VISIBLE;
  });
}

/** Where the window was last; in the middle of the screen when it was on one that is gone. */
export function readWindowState(file: string, screens: Rectangle[]): WindowState {
  const fresh: WindowState = { bounds: { width: 1360, height: 880 }, maximized: false };
  try {
    const { bounds, maximized } = stored.parse(JSON.parse(readFileSync(file, 'utf8')));
    if (isVisible(bounds, screens)) return { bounds, maximized };
    return { bounds: { width: bounds.width, height: bounds.height }, maximized };
  } catch {
    return fresh;
  }
}

interface WatchedWindow {
  on(event: 'resize' | 'move' | 'maximize' | 'unmaximize' | 'close', listener: () => void): unknown;
  getNormalBounds(): Rectangle;
  isMaximized(): boolean;
}

/** Keeps the file up to date with the window. @returns writes it now, for when the app ends */
export function keepWindowState(window: WatchedWindow, file: string, clock: Clock): () => void {
  let timer: Timer | undefined;
  const save = () => {
    timer?.cancel();
    timer = undefined;
    const state = { bounds: window.getNormalBounds(), maximized: window.isMaximized() };
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, `${JSON.stringify(state)}\n`);
    renameSync(`${file}.new`, file);
  };
  const later = () => {
    timer?.cancel();
    timer = clock.setTimeout(save, 500);
  };
  for (const event of ['resize', 'move', 'maximize', 'unmaximize'] as const) window.on(event, later);
  window.on('close', save);
  return save;
}
