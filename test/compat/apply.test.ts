import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { startApp, type RunningApp } from '../support/app';
import { kubectl, kubectls, type Kubectl } from '../support/kubectl';

const web = ({ image = 'gantry-test/web:v1', replicas = '', more = '' } = {}) => `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: { app: web }
spec:
  ${replicas && `replicas: ${replicas}`}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: ${image}
          ports: [{ name: http, containerPort: 8080 }]
${more}
`;
const sidecar = `
        - name: sidecar
          image: gantry-test/sidecar:v1`;

let app: RunningApp;
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gantry-home-'));
  app = await startApp({ args: ['--runtime', 'simulated', '--no-ui'] });
});
afterAll(async () => {
  await app?.stop();
  if (app) await rm(app.dataDirectory, { recursive: true, force: true });
  await rm(home, { recursive: true, force: true });
});

describe.each(kubectls)('field ownership with kubectl of Debian $suite', ({ suite, binary }) => {
  let k: Kubectl;
  let namespaces = 0;
  /** Every test has a namespace of its own. */
  async function fresh() {
    const namespace = `apply-${suite}-${++namespaces}`;
    await k.ok(['create', 'namespace', namespace]);
    const inNamespace = (...args: string[]) => ['-n', namespace, ...args];
    const apply = (text: string, ...args: string[]) => k.run(inNamespace('apply', '-f', '-', ...args), text);
    const get = async () =>
      JSON.parse(await k.ok(inNamespace('get', 'deployment', 'web', '-o', 'json', '--show-managed-fields')));
    /** Whoever is not one of the cluster's own parts. */
    const managers = async () =>
      (await get()).metadata.managedFields
        .filter((entry: { manager: string }) => entry.manager !== 'kube-controller-manager')
        .map((entry: { manager: string; operation: string }) => `${entry.manager} ${entry.operation}`);
    return { inNamespace, apply, get, managers };
  }

  beforeAll(() => {
    k = kubectl(binary, app.kubeconfig, home);
  });

  test('server-side apply creates, changes, and takes away what it no longer says', async () => {
    const { apply, get, managers } = await fresh();
    expect((await apply(web({ more: sidecar }), '--server-side')).stdout).toBe(
      'deployment.apps/web serverside-applied\n',
    );
    const { resourceVersion, generation } = (await get()).metadata;
    expect((await apply(web({ more: sidecar }), '--server-side')).code).toBe(0);
    expect((await get()).metadata.generation).toBe(generation);
    expect(resourceVersion).toMatch(/^\d+$/);
    expect((await managers())[0]).toBe('kubectl Apply');
    expect((await apply(web(), '--server-side')).code).toBe(0);
    expect((await get()).spec.template.spec.containers.map(({ name }: { name: string }) => name)).toEqual(['web']);
  });

  test('a conflict names the other manager; force takes the field', async () => {
    const { apply, get, inNamespace } = await fresh();
    await apply(web({ replicas: '2' }), '--server-side');
    expect(await k.ok(inNamespace('scale', 'deployment/web', '--replicas=3'))).toContain('scaled');
    const refused = await apply(web({ replicas: '2' }), '--server-side');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale"');
    expect(refused.stderr).toContain('.spec.replicas');
    const other = await apply(web({ image: 'gantry-test/web:v9' }), '--server-side', '--field-manager=other');
    expect(other.stderr).toContain('conflict with "kubectl": .spec.template.spec.containers[name="web"].image');
    expect((await get()).spec.replicas).toBe(3);
    const dry = await apply(web({ replicas: '2' }), '--server-side', '--force-conflicts', '--dry-run=server');
    expect([dry.code, dry.stdout]).toEqual([0, 'deployment.apps/web serverside-applied (server dry run)\n']);
    expect((await get()).spec.replicas).toBe(3);
    expect((await apply(web({ replicas: '2' }), '--server-side', '--force-conflicts')).code).toBe(0);
    expect((await get()).spec.replicas).toBe(2);
  });

  test('an object applied the old way moves over to server-side apply, and back', async () => {
    const { apply, get, managers, inNamespace } = await fresh();
    expect((await apply(web({ replicas: '2', more: sidecar }))).stdout).toContain('created');
    expect(await managers()).toEqual(['kubectl-client-side-apply Update']);
    // kubectl gives its patches up when the status moves on under them again and again.
    await k.ok(inNamespace('rollout', 'status', 'deployment/web', '--timeout=60s'));
    const moved = await apply(web({ replicas: '2' }), '--server-side');
    expect([moved.code, moved.stderr]).toEqual([0, '']);
    expect(await managers()).toEqual(['kubectl Apply', 'kubectl-last-applied Apply']);
    expect((await get()).spec.template.spec.containers.map(({ name }: { name: string }) => name)).toEqual(['web']);
    expect((await apply(web({ image: 'gantry-test/web:v3', replicas: '2' }))).stdout).toContain('configured');
    expect((await get()).spec.template.spec.containers).toMatchObject([{ name: 'web', image: 'gantry-test/web:v3' }]);
  });

  test('the owners are shown when asked for, and left out otherwise', async () => {
    const { apply, inNamespace } = await fresh();
    await apply(web(), '--server-side', '--field-manager=pipeline');
    expect(await k.ok(inNamespace('get', 'deployment', 'web', '-o', 'yaml'))).not.toContain('managedFields');
    const shown = parse(await k.ok(inNamespace('get', 'deployment', 'web', '-o', 'yaml', '--show-managed-fields')));
    expect(shown.metadata.managedFields[0]).toMatchObject({
      manager: 'pipeline',
      operation: 'Apply',
      apiVersion: 'apps/v1',
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { 'f:app': {} } },
        'f:spec': {
          'f:selector': {},
          'f:template': {
            'f:spec': {
              'f:containers': {
                'k:{"name":"web"}': {
                  '.': {},
                  'f:image': {},
                  'f:name': {},
                  'f:ports': { 'k:{"containerPort":8080,"protocol":"TCP"}': { '.': {}, 'f:name': {} } },
                },
              },
            },
          },
        },
      },
    });
  });

  test('every command of kubectl is a manager of its own', async () => {
    const { apply, managers, inNamespace } = await fresh();
    await apply(web());
    await k.ok(inNamespace('label', 'deployment', 'web', 'tier=front'));
    await k.ok(inNamespace('set', 'image', 'deployment/web', 'web=gantry-test/web:v5'));
    expect((await managers()).sort()).toEqual([
      'kubectl-client-side-apply Update',
      'kubectl-label Update',
      'kubectl-set Update',
    ]);
  });

  test('what no manifest may say is refused', async () => {
    const { apply } = await fresh();
    const unknown = await apply(web().replace('selector:', 'selektor:'), '--server-side');
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('failed to create typed patch object')]);
    expect(unknown.stderr).toContain('.spec.selektor: field not declared in schema');
  });
});
