import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readAddress, writeAddress } from './address';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-address-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('an address is kept for the user alone and read again', async () => {
  const address = { port: 4711, token: 'a'.repeat(32) };
  await writeAddress(directory, address);
  expect(await readAddress(directory)).toEqual(address);
  expect((await stat(join(directory, 'ui.json'))).mode & 0o777).toBe(0o600);
});

test('without one, or with a damaged one, there is a new token', async () => {
  const first = await readAddress(directory);
  expect(first).toMatchObject({ port: 0 });
  expect(first.token.length).toBeGreaterThan(20);
  await writeFile(join(directory, 'ui.json'), '{"port":"x"');
  expect((await readAddress(directory)).token).not.toBe(first.token);
});
