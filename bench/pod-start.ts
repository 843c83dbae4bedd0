import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiClient, deleteCluster, startApp } from '../test/support/app';
import { distribution, single, type Benchmark } from './figures';

const image = 'busybox:1';
const runs = 10;
const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8' }).trim();

/** The same two containers (sandbox and app) started with the docker command by hand. */
function startByHand(index: number): number {
  const names = [`gantry-bench-sandbox-${index}`, `gantry-bench-app-${index}`] as const;
  const from = performance.now();
  docker('run', '-d', '--name', names[0], '--ipc', 'shareable', image, 'sleep', '3600');
  docker(
    'run',
    '-d',
    '--name',
    names[1],
    '--network',
    `container:${names[0]}`,
    '--ipc',
    `container:${names[0]}`,
    image,
    'sleep',
    '3600',
  );
  const took = performance.now() - from;
  docker('rm', '-f', ...names);
  return took;
}

/** From a pod posted to its container running, beside the same containers started by hand. */
export const podStart: Benchmark = {
  name: 'pod-start',
  async run(report) {
    const app = await startApp({ args: ['--runtime', 'docker'] });
    const client = await apiClient(app.kubeconfig);
    try {
      const pods = '/api/v1/namespaces/default/pods';
      while (
        !(await client.call('GET', '/api/v1/nodes')).body.items.some((node: any) =>
          node.status.conditions?.some((c: any) => c.type === 'Ready' && c.status === 'True'),
        )
      )
        await sleep(50);
      while ((await client.call('GET', '/api/v1/namespaces/default/serviceaccounts/default')).status !== 200)
        await sleep(20);
      const ours: number[] = [];
      const byHand: number[] = [];
      for (let index = 0; index < runs; index++) {
        byHand.push(startByHand(index));
        const name = `bench-${index}`;
        const from = performance.now();
        const running = new Promise<number>((resolve, reject) => {
          client
            .watch(`${pods}?watch=1&fieldSelector=metadata.name%3D${name}`, (event) => {
              if (event.object.status?.containerStatuses?.[0]?.state?.running) resolve(performance.now() - from);
            })
            .catch(reject);
        });
        const body = {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name },
          spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'app', image, command: ['sleep', '3600'] }] },
        };
        const answer = await client.call('POST', pods, body);
        if (answer.status !== 201) throw new Error(answer.text);
        ours.push(await running);
        await client.call('DELETE', `${pods}/${name}`);
      }
      const [own, hand] = [distribution('pod-start.gantry', ours), distribution('pod-start.by-hand', byHand)];
      report(own);
      report(hand);
      report(single('pod-start.over-by-hand', 'ms', own.value - hand.value, runs));
    } finally {
      client.close();
      await app.stop();
      await deleteCluster(app.dataDirectory);
    }
  },
};
