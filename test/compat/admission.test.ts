import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { deleteCluster, startApp, type RunningApp } from '../support/app';
import { eventually, kubectl, kubectls, type Kubectl } from '../support/kubectl';

let app: RunningApp;
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gantry-home-'));
  app = await startApp({ args: ['--runtime', 'simulated', '--no-ui'] });
});
afterAll(async () => {
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
  await rm(home, { recursive: true, force: true });
});

describe.each(kubectls)('admission with the kubectl of Debian $suite', ({ suite, binary }) => {
  let k: Kubectl;
  let namespace: string;
  let count = 0;

  beforeEach(async () => {
    k = kubectl(binary, app.kubeconfig, home);
    namespace = `admission-${suite}-${count++}`;
    await k.ok(['create', 'namespace', namespace]);
    await eventually('the default account', () => k.ok(['-n', namespace, 'get', 'serviceaccount', 'default']));
  });

  const run = (name: string, ...more: string[]) => k.run(['-n', namespace, 'run', name, '--image=busybox:1', ...more]);
  const refusal = async (name: string, ...more: string[]): Promise<string> => {
    const ran = await run(name, ...more);
    expect(ran.code, ran.stdout).not.toBe(0);
    return ran.stderr.trim();
  };

  test('a quota of two pods refuses the third', async () => {
    await k.ok(['-n', namespace, 'create', 'quota', 'few', '--hard=pods=2']);
    for (const name of ['one', 'two']) expect((await run(name)).stderr).toBe('');
    expect(await refusal('three')).toBe(
      'Error from server (Forbidden): pods "three" is forbidden: exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2',
    );
    await eventually('what is used to be told', async () =>
      /pods\s+2\s+2/.test(await k.ok(['-n', namespace, 'describe', 'quota', 'few'])),
    );
    await k.ok(['-n', namespace, 'delete', 'pod', 'one', '--now']);
    expect((await run('three')).code).toBe(0);
  });

  test('a LimitRange gives containers their limits', async () => {
    const range = {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { name: 'usual' },
      spec: { limits: [{ type: 'Container', default: { memory: '64Mi' }, max: { memory: '128Mi' } }] },
    };
    const applied = await k.run(['-n', namespace, 'apply', '-f', '-'], JSON.stringify(range));
    expect(applied).toMatchObject({ code: 0, stderr: '' });
    await run('plain');
    const shown = await k.ok([
      '-n',
      namespace,
      'get',
      'pod',
      'plain',
      '-o',
      'jsonpath={.spec.containers[0].resources}',
    ]);
    expect(JSON.parse(shown)).toEqual({ limits: { memory: '64Mi' }, requests: { memory: '64Mi' } });
    const overrides = { spec: { containers: [{ name: 'big', image: 'x', resources: { limits: { memory: '1Gi' } } }] } };
    expect(await refusal('big', `--overrides=${JSON.stringify(overrides)}`)).toContain(
      'maximum memory usage per Container is 128Mi, but limit is 1Gi',
    );
  });

  test('Pod Security labels refuse and warn', async () => {
    const label = (mode: string) =>
      k.run(['label', '--overwrite', 'namespace', namespace, `pod-security.kubernetes.io/${mode}`]);
    await run('early');
    await label('warn=restricted');
    const deployment = ['-n', namespace, 'create', 'deployment', 'web', '--image=busybox:1', '--replicas=0'];
    expect((await k.run(deployment)).stderr).toContain(
      'Warning: would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false',
    );
    expect((await label('enforce=restricted')).stderr).toContain(
      `Warning: existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "restricted:latest"`,
    );
    expect(await refusal('late')).toContain('pods "late" is forbidden: violates PodSecurity "restricted:latest": ');
  });

  test('pods get the priority of their class', async () => {
    const name = `high-${suite}`;
    await k.ok(['create', 'priorityclass', name, '--value=1000']);
    const withClass = (priorityClassName: string) => `--overrides=${JSON.stringify({ spec: { priorityClassName } })}`;
    await run('important', withClass(name));
    expect(await k.ok(['-n', namespace, 'get', 'pod', 'important', '-o', 'jsonpath={.spec.priority}'])).toBe('1000');
    expect(await refusal('lost', withClass('nope'))).toContain('no PriorityClass with name nope was found');
    const classes = await k.ok(['get', 'priorityclass', '-o', 'name']);
    expect(classes).toContain('system-cluster-critical');
    expect(classes).toContain('system-node-critical');
  });

  /** A policy of the namespace, which refuses. */
  const enforce = async (name: string, rule: object, expression: string, message: string): Promise<void> => {
    const head = (kind: string) => ({ apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name } });
    const resourceRules = [{ apiVersions: ['v1'], ...rule }];
    const matchLabels = { 'kubernetes.io/metadata.name': namespace };
    const policy = {
      ...head('ValidatingAdmissionPolicy'),
      spec: { matchConstraints: { resourceRules }, validations: [{ expression, message }] },
    };
    const binding = {
      ...head('ValidatingAdmissionPolicyBinding'),
      spec: {
        policyName: name,
        validationActions: ['Deny'],
        matchResources: { namespaceSelector: { matchLabels } },
      },
    };
    for (const object of [policy, binding]) {
      expect(await k.run(['create', '-f', '-'], JSON.stringify(object))).toMatchObject({ code: 0, stderr: '' });
    }
  };

  test('a policy refuses what it does not allow', async () => {
    const name = `replicas-${suite}`;
    const rule = { apiGroups: ['apps'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] };
    await enforce(name, rule, 'object.spec.replicas <= 5', 'at most five');
    const deploy = (replicas: number) =>
      k.run(['-n', namespace, 'create', 'deployment', `web-${replicas}`, '--image=x', `--replicas=${replicas}`]);
    expect((await deploy(6)).stderr).toContain(
      `ValidatingAdmissionPolicy '${name}' with binding '${name}' denied request: at most five`,
    );
    expect((await deploy(0)).code).toBe(0);
  });

  test('a policy refuses connections and scales', async () => {
    const connect = { apiGroups: [''], operations: ['CONNECT'], resources: ['pods/exec'] };
    await enforce(`shells-${suite}`, connect, "!('sh' in object.command)", 'no shells');
    const scale = { apiGroups: ['apps'], operations: ['UPDATE'], resources: ['deployments/scale'] };
    await enforce(`scale-${suite}`, scale, 'object.spec.replicas <= 2', 'at most two');
    expect((await run('p')).code).toBe(0);
    await eventually('the pod to run', async () => /Running/.test(await k.ok(['-n', namespace, 'get', 'pod', 'p'])));
    expect((await k.run(['-n', namespace, 'exec', 'p', '--', 'sh'])).stderr).toContain('denied request: no shells');
    expect((await k.run(['-n', namespace, 'exec', 'p', '--', 'true'])).stderr).not.toContain('denied request');
    await k.ok(['-n', namespace, 'create', 'deployment', 'web', '--image=x']);
    const scaled = await k.run(['-n', namespace, 'scale', 'deployment', 'web', '--replicas=3']);
    expect(scaled.stderr).toContain('denied request: at most two');
    await k.ok(['-n', namespace, 'scale', 'deployment', 'web', '--replicas=2']);
  });
});
