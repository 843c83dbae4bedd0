import { afterAll, expect, test } from 'vitest';
import { createDockerRuntime } from '../../src/main/cluster/kubelet/runtime/docker';
import { silentLogger } from '../../src/main/cluster/log';
import { docker, ensureBusybox, testCluster } from '../support/docker';

const runtime = createDockerRuntime({ clusterId: testCluster(), log: silentLogger });
const reference = `gantry-test/built:${testCluster()}`;

afterAll(async () => {
  runtime.dispose();
  await docker
    .getImage(reference)
    .remove({ force: true })
    .catch(() => {});
});

test('an image is built from its files, step by step', async () => {
  await ensureBusybox();
  const steps: string[] = [];
  const dockerfile = 'FROM busybox:1\nCOPY greet /bin/greet\nRUN ["greet"]\n';
  await runtime.buildImage!(
    reference,
    [
      { name: 'Dockerfile', data: dockerfile },
      { name: 'greet', data: '#!/bin/sh\necho hello from the build\n', executable: true },
    ],
    { onProgress: (line) => steps.push(line) },
  );
  expect(steps.filter((line) => line.startsWith('Step')).map((line) => line.slice(0, 8))).toEqual([
    'Step 1/3',
    'Step 2/3',
    'Step 3/3',
  ]);
  expect(steps).toContain('hello from the build');
  expect(await runtime.image(reference)).toBeDefined();
});

test('a build that fails says so in the words of the engine', async () => {
  const build = (dockerfile: string) =>
    runtime.buildImage!('gantry-test/broken:1', [{ name: 'Dockerfile', data: dockerfile }]);
  await expect(build('FROM busybox:1\nRUN exit 7\n')).rejects.toThrow(/returned a non-zero code: 7/);
  await expect(build('FROM 127.0.0.1:1/missing\n')).rejects.toThrow(/connection refused/);
  expect(await runtime.image('gantry-test/broken:1')).toBeUndefined();
});

test('a build can be cancelled', async () => {
  const abort = new AbortController();
  const from = Date.now();
  const build = runtime.buildImage!(
    'gantry-test/endless:1',
    [{ name: 'Dockerfile', data: 'FROM busybox:1\nRUN sleep 60\n' }],
    { signal: abort.signal, onProgress: (line) => line.startsWith('Step 2') && abort.abort() },
  );
  await expect(build).rejects.toMatchObject({ code: 'aborted' });
  expect(Date.now() - from).toBeLessThan(20_000);
  const left = async () => (await docker.listContainers()).filter(({ Command }) => Command.includes('sleep 60'));
  await expect.poll(left, { timeout: 20_000 }).toEqual([]);
});
