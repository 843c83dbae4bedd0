import { expect, it } from 'vitest';
import { preloadConnector, takeToken } from './ports';

function page(href: string, kept: Record<string, string> = {}) {
  const shown: string[] = [];
  const storage = {
    getItem: (key: string) => kept[key] ?? null,
    setItem: (key: string, value: string) => void (kept[key] = value),
  };
  const history = {
    state: null,
    replaceState: (_state: unknown, _title: string, url: URL) => void shown.push(url.href),
  };
  const token = takeToken({ href } as Location, storage as Storage, history as unknown as History);
  return { token, shown, kept };
}

it('keeps the token for the tab and takes it out of the address', () => {
  const { token, shown, kept } = page('http://127.0.0.1:8080/?token=s3cret#/overview');
  expect(token).toBe('s3cret');
  expect(shown).toEqual(['http://127.0.0.1:8080/#/overview']);
  expect(page('http://127.0.0.1:8080/#/overview', kept).token).toBe('s3cret');
});

it('has none when nobody gave one', () => {
  expect(page('http://127.0.0.1:8080/').token).toBe('');
});

it('does not hand out a desktop pipe that has closed', async () => {
  let close = (): void => {};
  const connect = preloadConnector({ post: () => {}, onMessage: () => {}, onClose: (listener) => (close = listener) });
  await connect();
  close();
  await expect(connect()).rejects.toThrow('lost the app');
});
