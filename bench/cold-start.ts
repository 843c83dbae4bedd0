import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFile } from 'node:fs/promises';
import { apiClient, startApp } from '../test/support/app';
import { distribution, type Benchmark } from './figures';

const runs = 7;

/** Resident memory of a process in MiB (Linux). */
async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** From process start on an empty data directory to the API ready, and to the default ServiceAccount. */
export const coldStart: Benchmark = {
  name: 'cold-start',
  async run(report) {
    const ready: number[] = [];
    const account: number[] = [];
    const memory: number[] = [];
    for (let index = 0; index < runs; index++) {
      const from = performance.now();
      const app = await startApp({ args: ['--runtime', 'simulated', '--simulated-nodes', '1'] });
      ready.push(performance.now() - from);
      const client = await apiClient(app.kubeconfig);
      while ((await client.call('GET', '/api/v1/namespaces/default/serviceaccounts/default')).status !== 200)
        await sleep(2);
      account.push(performance.now() - from);
      await sleep(3000);
      memory.push(await residentMiB(app.pid));
      client.close();
      await app.stop();
      await rm(app.dataDirectory, { recursive: true, force: true });
    }
    report(distribution('cold-start.api-ready', ready));
    report(distribution('cold-start.default-serviceaccount', account));
    report(distribution('memory.idle', memory, 'MiB'));
  },
};
