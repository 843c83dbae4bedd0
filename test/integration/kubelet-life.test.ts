import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resources } from '../../src/main/cluster/client/resources';
import { containersOf, docker } from '../support/docker';
import { createHarness, podOf, readAll, script, type Harness } from './kubelet-harness';

let cluster: Harness;
beforeAll(async () => {
  cluster = await createHarness();
});
afterAll(() => cluster?.close());

const forever = 'trap "exit 0" TERM; while true; do sleep 0.1; done';
const idOf = (containerID: string | undefined): string => containerID!.slice('docker://'.length);

describe('probes', () => {
  it('readiness follows what the server answers', async () => {
    const serve = 'mkdir /www; echo ok > /www/healthz; httpd -f -p 8080 -h /www';
    const readinessProbe = { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1, failureThreshold: 1 };
    await cluster.create(
      podOf('probed', { ...script(serve), ports: [{ name: 'http', containerPort: 8080 }], readinessProbe }),
    );
    await cluster.ready('probed');
    await cluster.run('probed', ['rm', '/www/healthz']);
    const pod = await cluster.until('probed', 'unready', (one) => one?.status?.containerStatuses?.[0]?.ready === false);
    expect(pod.status!.conditions!.find((one) => one.type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [main]',
    });
    expect(await cluster.story('probed')).toContain(
      'Warning Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 404',
    );
  });

  it('liveness restarts, startup holds the others back, tcp and exec work', async () => {
    await cluster.create(
      podOf('alive', {
        ...script(`sleep 1; touch /up; httpd -p 9000; ${forever}`),
        startupProbe: { exec: { command: ['cat', '/up'] }, periodSeconds: 1, failureThreshold: 20 },
        readinessProbe: { tcpSocket: { port: 9000 }, periodSeconds: 1 },
        livenessProbe: {
          exec: { command: ['sh', '-c', 'test ! -e /bad || { echo went bad; exit 1; }'] },
          periodSeconds: 1,
          failureThreshold: 2,
        },
      }),
    );
    const early = await cluster.running('alive');
    expect(early.status!.containerStatuses![0]).toMatchObject({ started: false, ready: false });
    await cluster.ready('alive');
    await cluster.run('alive', ['touch', '/bad']);
    const pod = await cluster.until(
      'alive',
      'restarted',
      (one) => one?.status?.containerStatuses?.[0]?.restartCount === 1,
    );
    expect(pod.status!.containerStatuses![0]!.lastState!.terminated).toMatchObject({
      exitCode: 0,
      reason: 'Completed',
    });
    const story = await cluster.story('alive');
    expect(story).toContain('Warning Unhealthy Liveness probe failed: went bad\n');
    expect(story).toContain('Normal Killing Container main failed liveness probe, will be restarted');
    expect(story.some((line) => line.startsWith('Warning Unhealthy Startup probe failed: cat:'))).toBe(true);
  });
});

describe('restarts', () => {
  it('back off, and the previous log stays', async () => {
    await cluster.create(
      podOf(
        'crashing',
        script('echo "run $(cat /proc/sys/kernel/random/uuid)"; echo last words > /dev/termination-log; exit 5'),
      ),
    );
    const pod = await cluster.until(
      'crashing',
      'held back',
      (one) => one?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff',
    );
    const status = pod.status!.containerStatuses![0]!;
    expect(status.restartCount).toBe(1);
    expect(status.state!.waiting!.message).toBe(
      `back-off 10s restarting failed container=main pod=crashing_default(${pod.metadata.uid})`,
    );
    expect(status.lastState!.terminated).toMatchObject({ exitCode: 5, reason: 'Error', message: 'last words\n' });
    expect(pod.status!.phase).toBe('Running');
    expect(await cluster.story('crashing')).toContain(
      `Warning BackOff Back-off restarting failed container main in pod crashing_default(${pod.metadata.uid})`,
    );
    const previous = await cluster.logs('crashing', { previous: true });
    expect(previous).toMatch(/^run [0-9a-f-]{36}\n$/);
    expect(await cluster.logs('crashing')).toBe(previous);
    await cluster.until(
      'crashing',
      'tried again',
      (one) => (one?.status?.containerStatuses?.[0]?.restartCount ?? 0) >= 2,
    );
    expect(
      (
        await containersOf(cluster.clusterId, {
          'gantry.dev/pod-name': 'crashing',
          'gantry.dev/container-name': 'main',
        })
      ).length,
    ).toBeLessThanOrEqual(2);
    await cluster.remove('crashing');
  });

  it('happen at once when a container is killed behind the back', async () => {
    await cluster.create(podOf('victim', script(forever)));
    const before = await cluster.ready('victim');
    const killed = Date.now();
    await docker.getContainer(idOf(before.status!.containerStatuses![0]!.containerID)).kill();
    const after = await cluster.until(
      'victim',
      'restarted',
      (one) => one?.status?.containerStatuses?.[0]?.restartCount === 1,
    );
    expect(Date.now() - killed).toBeLessThan(5000);
    expect(after.status!.containerStatuses![0]!.lastState!.terminated).toMatchObject({
      exitCode: 137,
      reason: 'Error',
    });
    await cluster.ready('victim');
  });

  it('take a new sandbox when the sandbox is gone', async () => {
    await cluster.create(podOf('homeless', script(forever)));
    await cluster.ready('homeless');
    const [sandbox] = await containersOf(cluster.clusterId, {
      'gantry.dev/pod-name': 'homeless',
      'gantry.dev/kind': 'sandbox',
    });
    await docker.getContainer(sandbox!.Id).remove({ force: true });
    await cluster.until('homeless', 'restarted', (one) => one?.status?.containerStatuses?.[0]?.restartCount === 1);
    const pod = await cluster.ready('homeless');
    const [fresh] = await containersOf(cluster.clusterId, {
      'gantry.dev/pod-name': 'homeless',
      'gantry.dev/kind': 'sandbox',
    });
    expect(fresh!.Id).not.toBe(sandbox!.Id);
    expect(
      (await docker.getContainer(fresh!.Id).inspect()).NetworkSettings.Networks[`gantry-${cluster.clusterId}`]!
        .IPAddress,
    ).toBe(pod.status!.podIP);
  });

  it('replace a container whose image changed', async () => {
    await docker.getImage('busybox:1').tag({ repo: 'gantry-test/other', tag: '2' });
    await cluster.create(podOf('changing', script(forever)));
    await cluster.ready('changing');
    await cluster.client.patch(
      resources.pods,
      'default',
      'changing',
      { spec: { containers: [{ name: 'main', image: 'gantry-test/other:2' }] } },
      { type: 'strategic' },
    );
    const pod = await cluster.until(
      'changing',
      'replaced',
      (one) => one?.status?.containerStatuses?.[0]?.image === 'gantry-test/other:2',
    );
    expect(pod.status!.containerStatuses![0]!.restartCount).toBe(1);
    expect(await cluster.story('changing')).toContain(
      'Normal Killing Container main definition changed, will be restarted',
    );
    await cluster.remove('changing', 0);
    await docker
      .getImage('gantry-test/other:2')
      .remove({ force: true })
      .catch(() => {});
  });

  it('say when memory ran out', async () => {
    await cluster.create(
      podOf(
        'hungry',
        { command: ['tail', '-c', '100m', '/dev/zero'], resources: { limits: { memory: '16Mi' } } },
        { restartPolicy: 'Never' },
      ),
    );
    const pod = await cluster.until('hungry', 'failed', (one) => one?.status?.phase === 'Failed');
    expect(pod.status!.containerStatuses![0]!.state!.terminated).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
  });

  it('do not happen for what cannot start', async () => {
    await cluster.create(podOf('mistyped', { command: ['/nowhere'] }));
    const pod = await cluster.until(
      'mistyped',
      'refused',
      (one) => one?.status?.containerStatuses?.[0]?.lastState?.terminated !== undefined,
    );
    expect(pod.status!.containerStatuses![0]!.lastState!.terminated).toMatchObject({
      exitCode: 128,
      reason: 'StartError',
    });
    expect(
      (await cluster.story('mistyped')).some((line) => /Warning Failed Error: .*\/nowhere.*no such file/.test(line)),
    ).toBe(true);
    await cluster.remove('mistyped');
  });
});

describe('termination', () => {
  it('runs preStop, then the stop signal, then reports and leaves', async () => {
    const main = {
      ...script('trap "echo stopping; exit 3" TERM; while true; do sleep 0.1; done'),
      lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo hook > /proc/1/fd/1; sleep 1'] } } },
    };
    await cluster.create(podOf('polite', main, { terminationGracePeriodSeconds: 20 }));
    await cluster.ready('polite');
    const log = await cluster.kubelet.connection.logs('default', 'polite', { container: 'main', follow: true });
    const said = readAll(log);
    const began = Date.now();
    await cluster.remove('polite');
    const leaving = await cluster.until(
      'polite',
      'over',
      (pod) => !pod || pod.status?.containerStatuses?.[0]?.state?.terminated !== undefined,
    );
    expect(leaving?.status?.containerStatuses?.[0]?.state?.terminated?.exitCode ?? 3).toBe(3);
    await cluster.until('polite', 'gone', (pod) => !pod);
    expect(Date.now() - began).toBeGreaterThan(1000);
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(await said).toBe('hook\nstopping\n');
  });

  it('kills what ignores the signal when the grace is over, at once when forced', async () => {
    await cluster.create(
      podOf('deaf', script('trap "" TERM; while true; do sleep 0.1; done'), { terminationGracePeriodSeconds: 2 }),
    );
    await cluster.create(
      podOf('deafer', script('trap "" TERM; while true; do sleep 0.1; done'), { terminationGracePeriodSeconds: 600 }),
    );
    await Promise.all([cluster.ready('deaf'), cluster.ready('deafer')]);
    const began = Date.now();
    await cluster.remove('deaf');
    await cluster.remove('deafer');
    await cluster.until('deaf', 'gone', (pod) => !pod);
    expect(Date.now() - began).toBeGreaterThan(1900);
    expect(await cluster.pod('deafer')).toBeDefined();
    await cluster.remove('deafer', 0);
    await cluster.until('deafer', 'gone', (pod) => !pod);
    await expect
      .poll(() => containersOf(cluster.clusterId, { 'gantry.dev/pod-name': 'deafer' }), { timeout: 10_000 })
      .toEqual([]);
  });

  it('keeps the log of a pod that is over until it is deleted', async () => {
    await cluster.create(podOf('once', script('echo done'), { restartPolicy: 'Never' }));
    const pod = await cluster.until('once', 'over', (one) => one?.status?.phase === 'Succeeded');
    expect(pod.status!.containerStatuses![0]!.state!.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(pod.status!.conditions!.find((one) => one.type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'PodCompleted',
    });
    expect(await cluster.logs('once')).toBe('done\n');
    await cluster.remove('once');
    await cluster.until('once', 'gone', (one) => !one);
  });
});

describe('logs', () => {
  it('give what is asked for', async () => {
    await cluster.create(
      podOf(
        'talking',
        script(`for i in 1 2 3 4 5; do echo "line $i"; done; sleep 1; echo oops >&2; sleep 0.5; echo late; ${forever}`),
      ),
    );
    await cluster.ready('talking');
    const log = await cluster.kubelet.connection.logs('default', 'talking', {
      container: 'main',
      follow: true,
      tailLines: 2,
    });
    let text = '';
    log.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await expect.poll(() => text, { timeout: 10_000 }).toBe('line 4\nline 5\noops\nlate\n');
    log.destroy();
    expect(await cluster.logs('talking', { tailLines: 1 })).toBe('late\n');
    expect(await cluster.logs('talking', { limitBytes: 6 })).toBe('line 1');
    expect(await cluster.logs('talking', { timestamps: true, tailLines: 1 })).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z late\n$/,
    );
    expect(await cluster.logs('talking', { sinceTime: new Date(Date.now() + 60_000).toISOString() })).toBe('');
    await expect(cluster.logs('talking', { container: 'other' })).rejects.toThrow(
      'container other is not valid for pod talking',
    );
    await expect(cluster.logs('talking', { previous: true })).rejects.toThrow(
      'previous terminated container "main" in pod "talking" not found',
    );
  });

  it('say why there are none', async () => {
    await cluster.create(podOf('silent', { image: 'absent:1', imagePullPolicy: 'Never' }));
    await cluster.until(
      'silent',
      'waiting',
      (pod) => pod?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ErrImageNeverPull',
    );
    await expect(cluster.logs('silent')).rejects.toMatchObject({
      code: 400,
      message: 'container "main" in pod "silent" is waiting to start: ErrImageNeverPull',
    });
  });
});
