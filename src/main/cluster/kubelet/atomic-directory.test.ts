import { mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeAtomically } from './atomic-directory';

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'gantry-atomic-'))));
afterEach(() => rm(directory, { recursive: true, force: true }));

const files = (entries: Record<string, string>, mode = 0o644) =>
  new Map(Object.entries(entries).map(([path, text]) => [path, { data: Buffer.from(text), mode }]));

it('shows files through one link that is replaced as a whole', async () => {
  expect(await writeAtomically(directory, files({ a: '1', 'sub/b': '2' }, 0o400))).toBe(true);
  const first = await readlink(join(directory, '..data'));
  expect(await readFile(join(directory, 'sub/b'), 'utf8')).toBe('2');
  expect((await stat(join(directory, 'a'))).mode & 0o777).toBe(0o400);

  expect(await writeAtomically(directory, files({ a: '1', 'sub/b': '2' }, 0o400))).toBe(false);
  expect(await readlink(join(directory, '..data'))).toBe(first);

  expect(await writeAtomically(directory, files({ a: '3', c: '4' }))).toBe(true);
  expect(await readlink(join(directory, '..data'))).not.toBe(first);
  expect(await readFile(join(directory, 'a'), 'utf8')).toBe('3');
  expect((await readdir(directory)).filter((name) => !name.startsWith('..')).sort()).toEqual(['a', 'c']);
  expect((await readdir(directory)).filter((name) => name.startsWith('..'))).toHaveLength(2);
});
