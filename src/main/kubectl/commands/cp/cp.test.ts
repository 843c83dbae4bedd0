import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pack } from 'tar-stream';
import { podBody } from '../../../cluster/apiserver/testing';
import { createTestKubectl } from '../../testing';
import { archiveOf, unpack } from './tar';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-cp-'));
});
afterEach(() => rm(directory, { recursive: true }));

const file = (...names: string[]) => join(directory, ...names);

/** A pod whose container knows tar and test, over a folder of this machine. */
async function withPod() {
  const kubectl = await createTestKubectl();
  const commands: string[] = [];
  kubectl.nodes.register('n1', {
    logs: () => Promise.reject(new Error('no logs')),
    portForward: () => Promise.reject(new Error('no ports')),
    async run(_namespace, _pod, { command = [] }) {
      commands.push(command.join(' '));
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
      const work = async () => {
        if (command[0] === 'test') return (await stat(file(command[2]!)).catch(() => undefined))?.isDirectory() ? 0 : 1;
        if (command[1] === 'cf') {
          const name = command[3]!.slice(1);
          if (!(await stat(file(name)).catch(() => undefined))) {
            stderr.write(`tar: can't open '${command[3]}'\n`);
            return 2;
          }
          for await (const chunk of archiveOf(file(name), name)) stdout.write(chunk);
          return 0;
        }
        await unpack(stdin, '', file(command.at(-1)!), () => {});
        return 0;
      };
      const done = work().then((exitCode) => {
        stdout.end();
        stderr.end();
        return { exitCode };
      });
      return { stdin, stdout, stderr, resize: () => {}, close: () => {}, done };
    },
  });
  const pods = '/api/v1/namespaces/default/pods';
  await kubectl.send('POST', pods, { body: podBody('app', { nodeName: 'n1' }) });
  const pod = (await kubectl.send('GET', `${pods}/app`)).body;
  await kubectl.send('PUT', `${pods}/app/status`, { body: { ...pod, status: { phase: 'Running' } } });
  await mkdir(file('tmp'));
  const cp = (line: string) => kubectl.kubectl(`cp ${line}`, { cwd: directory });
  return { cp, commands };
}

it('copies files there and back, under the name it is told or its own', async () => {
  const { cp, commands } = await withPod();
  await writeFile(file('here.txt'), 'carried\n', { mode: 0o640 });
  expect(await cp('here.txt app:/tmp/there.txt')).toEqual({ code: 0, out: '', err: '' });
  expect(commands).toEqual(['test -d /tmp/there.txt', 'tar -xmf - -C /tmp']);
  expect(await readFile(file('tmp', 'there.txt'), 'utf8')).toBe('carried\n');
  await cp('here.txt default/app:/tmp');
  expect((await stat(file('tmp', 'here.txt'))).mode & 0o777).toBe(0o640);
  await cp('app:/tmp/there.txt back.txt');
  expect(await readFile(file('back.txt'), 'utf8')).toBe('carried\n');
  await mkdir(file('bag'));
  await cp('app:/tmp/there.txt bag');
  expect(await readFile(file('bag', 'there.txt'), 'utf8')).toBe('carried\n');
});

it('copies folders with everything in them', async () => {
  const { cp } = await withPod();
  await mkdir(file('site', 'deep', 'empty'), { recursive: true });
  await writeFile(file('site', 'deep', 'big'), Buffer.alloc(300_000, 'x'));
  await writeFile(file('site', 'none'), '');
  expect(await cp('site app:/tmp/site')).toEqual({ code: 0, out: '', err: '' });
  expect((await stat(file('tmp', 'site', 'deep', 'big'))).size).toBe(300_000);
  expect((await stat(file('tmp', 'site', 'none'))).size).toBe(0);
  expect((await stat(file('tmp', 'site', 'deep', 'empty'))).isDirectory()).toBe(true);
  expect(await cp('app:/tmp/site again')).toEqual({ code: 0, out: '', err: '' });
  expect((await stat(file('again', 'deep', 'big'))).size).toBe(300_000);
});

it('writes nothing outside of the target, and no links', async () => {
  const evil = pack();
  evil.entry({ name: 'x/good' }, 'good');
  evil.entry({ name: 'x/../../evil' }, 'evil');
  evil.entry({ name: 'x/link', type: 'symlink', linkname: '/etc' });
  evil.finalize();
  const warnings: string[] = [];
  const count = await unpack(Readable.from(evil), 'x', file('deep', 'out'), (text) => warnings.push(text));
  expect(count).toBe(3);
  expect(await readFile(file('deep', 'out', 'good'), 'utf8')).toBe('good');
  await expect(stat(file('deep', 'evil'))).rejects.toThrow();
  await expect(stat(file('evil'))).rejects.toThrow();
  expect(warnings.join('')).toMatch(/outside target destination[^]*skipping symlink: .*link" -> "\/etc"/);
});

it('keeps links on the way to a container', async () => {
  await mkdir(file('a'));
  await symlink('nowhere', file('a', 'link'));
  expect((await buffer(archiveOf(file('a'), 'a'))).toString('latin1')).toContain('nowhere');
});

it.each([
  ['a', 'error: source and destination are required\n'],
  ['a b', 'error: one of src or dest must be a remote file specification\n'],
  ['app:/a app:/b', 'error: one of src or dest must be a local file specification\n'],
  ['app: b', 'error: filepath can not be empty\n'],
  [':/a b', 'error: filespec must match the canonical format: [[namespace/]pod:]file/path\n'],
  ['nothing app:/tmp/x', "error: nothing doesn't exist in local filesystem\n"],
  ['app:/nothing x', "tar: can't open '/nothing'\ncommand terminated with exit code 2\n"],
  ['nobody:/nothing x', 'Error from server (NotFound): pods "nobody" not found\n'],
])('cp %s fails', async (line, err) => {
  const { cp } = await withPod();
  const ran = await cp(line);
  expect(ran.err).toBe(err);
  expect(ran.code).not.toBe(0);
});
