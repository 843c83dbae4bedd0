import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { giveToGroup } from './ownership';

/** One that the process may give files to, whoever runs it. */
const group = process.getgid?.() ?? 0;
let top: string;
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'gantry-group-'));
  await mkdir(join(top, 'inside'), { mode: 0o700 });
  await writeFile(join(top, 'inside', 'file'), '', { mode: 0o600 });
  await chmod(top, 0o700);
});
afterEach(() => rm(top, { recursive: true, force: true }));

const modes = async () =>
  Promise.all(
    ['', 'inside', 'inside/file'].map(async (path) => ((await stat(join(top, path))).mode & 0o7777).toString(8)),
  );

describe('giveToGroup', () => {
  it('opens all of a volume to the group, which inherits what is made in it', async () => {
    await giveToGroup(top, group);
    expect(await modes()).toEqual(['2770', '2770', '660']);
  });

  it('lets a group only read what is written for it', async () => {
    await giveToGroup(top, group, { readOnly: true });
    expect(await modes()).toEqual(['2750', '2750', '640']);
  });

  it('leaves with OnRootMismatch what is in a volume whose top is right', async () => {
    await giveToGroup(top, group);
    await chmod(join(top, 'inside', 'file'), 0o600);
    await giveToGroup(top, group, { onlyWhenRootDiffers: true });
    expect(await modes()).toEqual(['2770', '2770', '600']);
    await giveToGroup(top, group);
    expect(await modes()).toEqual(['2770', '2770', '660']);
  });

  it.each([0o700, 0o770, 0o2740])('opens all with OnRootMismatch when the top is %o', async (mode) => {
    await chmod(top, mode);
    await giveToGroup(top, group, { onlyWhenRootDiffers: true });
    expect((await modes()).slice(1)).toEqual(['2770', '660']);
  });
});
