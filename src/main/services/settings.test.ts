import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../cluster/clock';
import { silentLogger } from '../cluster/log';
import { openSettings } from './settings';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'gantry-settings-'))));
afterEach(() => rmSync(directory, { recursive: true }));
const open = () => openSettings({ directory, clock: new FakeClock(5), log: silentLogger });
const file = () => join(directory, 'settings.json');

describe('settings', () => {
  it('start with defaults and keep what is set', async () => {
    const settings = await open();
    expect(settings.get()).toMatchObject({ theme: 'system', locale: 'en', lastCluster: 'gantry' });
    await Promise.all([
      settings.set({ theme: 'dark' }),
      settings.set({ namespaces: { gantry: ['a'] } }),
      settings.set({ terminalFontSize: 15 }),
    ]);
    const again = await open();
    expect(again.problem).toBeUndefined();
    expect(again.get()).toMatchObject({ theme: 'dark', namespaces: { gantry: ['a'] }, terminalFontSize: 15 });
    expect(readdirSync(directory)).toEqual(['settings.json']);
  });

  it('keep an unreadable file aside and report it', async () => {
    for (const text of ['{"theme": "dar', '', 'null', '[]']) {
      writeFileSync(file(), text);
      const settings = await open();
      expect(settings.problem).toContain('settings.json.corrupt-5');
      expect(readFileSync(`${file()}.corrupt-5`, 'utf8')).toBe(text);
      expect(settings.get().theme).toBe('system');
    }
  });

  it('fall back to the default of a key whose value is wrong, and drop what is not a setting', async () => {
    writeFileSync(
      file(),
      '{"theme":"pink","terminalFontSize":14,"__proto__":{"x":1},"extra":true,"namespaces":{"a":[1]}}',
    );
    const settings = await open();
    expect(settings.problem).toBeUndefined();
    expect(settings.get()).toMatchObject({ theme: 'system', terminalFontSize: 14, namespaces: {} });
    expect(settings.get()).not.toHaveProperty('extra');
  });

  it('hand out copies', async () => {
    const settings = await open();
    settings.get().namespaces.gantry = ['changed'];
    expect(settings.get().namespaces).toEqual({});
  });
});
