import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deleteCluster, startApp, type RunningApp } from '../support/app';
import { eventually, kubectl, kubectls } from '../support/kubectl';

/** Pods take a while to come up, so that a drain has to wait for the budget. */
const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 4
  selector: { matchLabels: { app: web } }
  template:
    metadata:
      labels: { app: web }
      annotations: { gantry.dev/simulate: '{"startMs":2000}' }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: web, image: web:1 }]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web }
spec:
  maxUnavailable: 1
  selector: { matchLabels: { app: web } }
`;

let app: RunningApp;
let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gantry-home-'));
  app = await startApp({ args: ['--runtime', 'simulated', '--simulated-nodes', '2', '--no-ui'] });
});
afterAll(async () => {
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
  await rm(home, { recursive: true, force: true });
});

// The oldest asks for evictions in policy/v1beta1.
const oldest = { suite: 'bookworm', binary: resolve('.cache', 'kubectl', 'bookworm', 'kubectl') };
describe.each([oldest, ...kubectls])('kubectl drain ($suite)', ({ binary }) => {
  test('empties a node within the disruption budget', async () => {
    const cli = kubectl(binary, app.kubeconfig, home);
    await cli.ok(['apply', '-f', '-'], manifest);
    const serving = () => cli.ok(['get', 'pdb', 'web', '-o', 'jsonpath={.status.currentHealthy}']);
    await eventually('all pods ready', async () => (await serving()) === '4');
    const where = () => cli.ok(['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].spec.nodeName}']);
    const node = (await where()).split(' ')[0]!;

    const tried = await cli.run(['drain', node, '--ignore-daemonsets', '--dry-run=server']);
    expect(tried.stdout).toContain('(server dry run)');
    expect((await where()).split(' ')).toContain(node);

    const { code, stdout, stderr } = await cli.run(['drain', node, '--ignore-daemonsets', '--timeout=60s']);
    expect(code, stderr).toBe(0);
    const crowded = stderr.includes("Cannot evict pod as it would violate the pod's disruption budget.");
    // Several pods were on the node, and they may go one at a time.
    expect(crowded).toBe((stdout.match(/^pod\/.* evicted$/gm) ?? []).length > 1);
    await eventually('all pods ready', async () => (await serving()) === '4');
    expect((await where()).split(' ')).not.toContain(node);
    expect(await cli.ok(['get', 'pdb'])).toMatch(
      /NAME +MIN AVAILABLE +MAX UNAVAILABLE +ALLOWED DISRUPTIONS +AGE\nweb +N\/A +1 +1 /,
    );
    await cli.ok(['uncordon', node]);
    await cli.ok(['delete', '-f', '-'], manifest);
    await eventually('all pods gone', async () => (await where()) === '');
  });
});
