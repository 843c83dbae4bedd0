import { writeFile, mkdtemp, mkdir, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemErrorText } from './system-errors';

const caught = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );

it('names a port that is in use', async () => {
  const first = createServer();
  await new Promise<void>((resolve) => first.listen(0, '127.0.0.1', resolve));
  const { port } = first.address() as AddressInfo;
  const error = await caught(
    new Promise((_, reject) => createServer().once('error', reject).listen(port, '127.0.0.1')),
  );
  expect(systemErrorText(error)).toBe(
    `port ${port} is in use: choose another with --api-port or --port, or 0 for any free one`,
  );
  first.close();
});

it('says that a file is no data directory', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gantry-errors-'));
  const file = join(directory, 'file');
  await writeFile(file, '');
  expect(systemErrorText(await caught(mkdir(file, { recursive: true })))).toBe(
    `${file} is a file: --data-dir takes a directory`,
  );
  await rm(directory, { recursive: true });
});

it('keeps other words', () => {
  expect(systemErrorText(new Error('the data directory is in use by process 7'))).toBe(
    'the data directory is in use by process 7',
  );
  expect(systemErrorText(Object.assign(new Error('write'), { code: 'ENOSPC' }))).toContain('the disk is full');
});
