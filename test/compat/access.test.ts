import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deleteCluster, startApp, type RunningApp } from '../support/app';
import { eventually, kubectl, kubectls, type Kubectl } from '../support/kubectl';

const run = promisify(execFile);

let app: RunningApp;
let home: string;
let auditLog: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gantry-home-'));
  auditLog = join(home, 'audit.log');
  app = await startApp({ args: ['--runtime', 'simulated', '--no-ui', '--audit-log', auditLog] });
});
afterAll(async () => {
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
  await rm(home, { recursive: true, force: true });
});

const openssl = async (...args: string[]): Promise<string> => (await run('openssl', args)).stdout;

/** A key and a request for it, as an administrator makes them. */
async function keyAndRequest(directory: string, user: string, subject: string): Promise<{ key: string; csr: string }> {
  const key = join(directory, `${user}.key`);
  const csr = join(directory, `${user}.csr`);
  await openssl('genrsa', '-out', key, '2048');
  await openssl('req', '-new', '-key', key, '-subj', subject, '-out', csr);
  return { key, csr };
}

describe.each(kubectls)('access with the kubectl of Debian $suite', ({ suite, binary }) => {
  const namespace = `access-${suite}`;
  const user = `jane-${suite}`;
  let admin: Kubectl;
  let jane: Kubectl;
  let directory: string;

  /** A kubectl with a kubeconfig of its own that trusts the cluster. */
  const somebody = async (name: string, credentials: string[]): Promise<Kubectl> => {
    const k = kubectl(binary, join(directory, `${name}.conf`), home);
    const ca = join(app.dataDirectory, 'pki', 'ca.crt');
    await k.ok(['config', 'set-cluster', 'gantry', `--server=${app.api}`, `--certificate-authority=${ca}`]);
    await k.ok(['config', 'set-credentials', name, ...credentials]);
    await k.ok(['config', 'set-context', name, '--cluster=gantry', `--user=${name}`, `--namespace=${namespace}`]);
    await k.ok(['config', 'use-context', name]);
    return k;
  };
  const refused = async (k: Kubectl, args: string[]): Promise<string> => {
    const ran = await k.run(args);
    expect(ran.code, `${args.join(' ')} was allowed: ${ran.stdout}`).not.toBe(0);
    return ran.stderr.trim();
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(home, `${suite}-`));
    admin = kubectl(binary, app.kubeconfig, home);
    await admin.ok(['create', 'namespace', namespace]);
    const { key, csr } = await keyAndRequest(directory, user, `/CN=${user}/O=dev`);
    const certificate = join(directory, `${user}.crt`);
    const ca = join(app.dataDirectory, 'pki', 'ca');
    const serial = ['-set_serial', String(Date.now())];
    const signed = ['-CA', `${ca}.crt`, '-CAkey', `${ca}.key`, ...serial, '-days', '30', '-out', certificate];
    await openssl('x509', '-req', '-in', csr, ...signed);
    jane = await somebody(user, [`--client-certificate=${certificate}`, `--client-key=${key}`]);
  });

  test('a certificate made with openssl names its user, who may nothing yet', async () => {
    expect(await jane.ok(['auth', 'whoami'])).toMatch(
      new RegExp(`Username +${user}\nGroups +\\[dev system:authenticated\\]`),
    );
    expect(await refused(jane, ['get', 'pods'])).toBe(
      `Error from server (Forbidden): pods is forbidden: User "${user}" cannot list resource "pods" in API group "" in the namespace "${namespace}"`,
    );
    expect(await refused(jane, ['get', 'deployments.apps', 'web'])).toBe(
      `Error from server (Forbidden): deployments.apps "web" is forbidden: User "${user}" cannot get resource "deployments" in API group "apps" in the namespace "${namespace}"`,
    );
    expect(await refused(jane, ['get', 'nodes'])).toContain(
      `nodes is forbidden: User "${user}" cannot list resource "nodes" in API group "" at the cluster scope`,
    );
    expect(await refused(jane, ['get', '--raw', '/metrics'])).toContain(
      `forbidden: User "${user}" cannot get path "/metrics"`,
    );
    expect(await jane.ok(['api-resources', '-o', 'name'])).toContain('deployments.apps');
    expect((await jane.run(['auth', 'can-i', 'list', 'pods'])).stdout).toBe('no\n');
    expect(await jane.ok(['auth', 'can-i', '--list'])).toMatch(/selfsubjectaccessreviews.*\[create\]/);
  });

  test('a certificate of another authority is nobody', async () => {
    const key = join(directory, 'other.key');
    const certificate = join(directory, 'other.crt');
    await openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      key,
      '-subj',
      `/CN=${user}`,
      '-out',
      certificate,
    );
    const other = await somebody('other', [`--client-certificate=${certificate}`, `--client-key=${key}`]);
    expect(await refused(other, ['get', 'pods'])).toContain('You must be logged in to the server');
  });

  test('a Role gives rights in its namespace alone', async () => {
    await admin.ok(['-n', namespace, 'create', 'role', 'reader', '--verb=get,list,watch', '--resource=pods,pods/log']);
    await admin.ok(['-n', namespace, 'create', 'rolebinding', 'readers', '--role=reader', '--group=dev']);
    expect((await jane.run(['get', 'pods'])).stderr).toBe(`No resources found in ${namespace} namespace.\n`);
    expect(await jane.ok(['auth', 'can-i', 'get', 'pods', '--subresource=log'])).toBe('yes\n');
    expect(await jane.ok(['auth', 'can-i', '--list'])).toMatch(/pods\/log +\[\] +\[\] +\[get list watch\]/);
    expect(await refused(jane, ['delete', 'pod', 'x'])).toContain(
      `pods "x" is forbidden: User "${user}" cannot delete resource "pods" in API group "" in the namespace "${namespace}"`,
    );
    expect(await refused(jane, ['-n', 'default', 'get', 'pods'])).toContain('in the namespace "default"');
    expect(await refused(jane, ['get', 'pods', '-A'])).toContain('at the cluster scope');
    expect(await admin.ok(['-n', namespace, 'auth', 'can-i', 'list', 'pods', `--as=${user}`, '--as-group=dev'])).toBe(
      'yes\n',
    );
    expect((await admin.run(['-n', namespace, 'auth', 'can-i', 'list', 'pods', `--as=${user}`])).stdout).toBe('no\n');
  });

  test('nobody gives what they do not have', async () => {
    await admin.ok(['-n', namespace, 'create', 'rolebinding', 'admins', '--clusterrole=admin', `--user=${user}`]);
    await jane.ok(['create', 'role', 'secrets', '--verb=get', '--resource=secrets']);
    expect(await refused(jane, ['create', 'role', 'nodes', '--verb=get,list', '--resource=nodes'])).toBe(
      `Error from server (Forbidden): roles.rbac.authorization.k8s.io "nodes" is forbidden: user "${user}" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n` +
        '{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list"]}',
    );
    expect(
      await refused(jane, ['create', 'rolebinding', 'all', '--clusterrole=cluster-admin', `--user=${user}`]),
    ).toContain(
      'is attempting to grant RBAC permissions not currently held:\n{APIGroups:["*"], Resources:["*"], Verbs:["*"]}\n{NonResourceURLs:["*"], Verbs:["*"]}',
    );
    expect(await refused(jane, ['get', 'pods', '--as=kubernetes-admin'])).toContain(
      `users "kubernetes-admin" is forbidden: User "${user}" cannot impersonate resource "users" in API group "" at the cluster scope`,
    );
    await admin.ok(['-n', namespace, 'delete', 'rolebinding', 'admins']);
  });

  test('a rule with a path and one with a name', async () => {
    await admin.ok(['create', 'clusterrole', `${user}-metrics`, '--verb=get', '--non-resource-url=/openapi/*']);
    await admin.ok([
      'create',
      'clusterrolebinding',
      `${user}-metrics`,
      `--clusterrole=${user}-metrics`,
      `--user=${user}`,
    ]);
    await admin.ok([
      '-n',
      namespace,
      'create',
      'role',
      'one',
      '--verb=get',
      '--resource=configmaps',
      '--resource-name=kube-root-ca.crt',
    ]);
    await admin.ok(['-n', namespace, 'create', 'rolebinding', 'one', '--role=one', `--user=${user}`]);
    expect(await jane.ok(['get', 'configmap', 'kube-root-ca.crt', '-o', 'name'])).toBe('configmap/kube-root-ca.crt\n');
    expect(await refused(jane, ['get', 'configmap', 'other'])).toContain('configmaps "other" is forbidden');
    await admin.ok(['delete', 'clusterrolebinding,clusterrole', `${user}-metrics`]);
  });

  test('aggregated roles follow the roles they select', async () => {
    const name = `monitor-${suite}`;
    await admin.ok(
      ['apply', '-f', '-'],
      `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: ${name} }
aggregationRule: { clusterRoleSelectors: [{ matchLabels: { monitor: ${suite} } }] }
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: ${name}-pods, labels: { monitor: ${suite} } }
rules: [{ apiGroups: [''], resources: [pods], verbs: [watch] }]
`,
    );
    await eventually('the rules are there', async () =>
      (await admin.ok(['get', 'clusterrole', name, '-o', 'jsonpath={.rules}'])).includes('"watch"'),
    );
    expect(await admin.ok(['get', 'clusterrole', 'admin', '-o', 'jsonpath={.rules[*].resources}'])).toContain(
      'rolebindings',
    );
  });

  test('a certificate request is approved, signed and works; a denied one is not', async () => {
    const name = `${user}-csr`;
    const { key, csr } = await keyAndRequest(directory, name, `/CN=${name}/O=ops`);
    const request = (await readFile(csr)).toString('base64');
    const manifest = (called: string) => `
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: { name: ${called} }
spec:
  request: ${request}
  signerName: kubernetes.io/kube-apiserver-client
  expirationSeconds: 86400
  usages: [client auth]
`;
    await admin.ok(['apply', '-f', '-'], manifest(name));
    expect(await admin.ok(['get', 'csr', name])).toMatch(/kube-apiserver-client +kubernetes-admin +24h +Pending/);
    expect(await refused(jane, ['certificate', 'approve', name])).toContain('is forbidden');
    await admin.ok(['certificate', 'approve', name]);
    const encoded = await eventually('the certificate is there', () =>
      admin.ok(['get', 'csr', name, '-o', 'jsonpath={.status.certificate}']),
    );
    expect(await admin.ok(['get', 'csr', name])).toContain('Approved,Issued');
    const holder = await somebody(name, [`--client-key=${key}`]);
    await holder.ok(['config', 'set', `users.${name}.client-certificate-data`, encoded]);
    expect(await holder.ok(['auth', 'whoami'])).toMatch(
      new RegExp(`Username +${name}\nGroups +\\[ops system:authenticated\\]`),
    );

    await admin.ok(['apply', '-f', '-'], manifest(`${name}-no`));
    await admin.ok(['certificate', 'deny', `${name}-no`]);
    expect(await admin.ok(['get', 'csr', `${name}-no`])).toContain('Denied');
  });

  test('nobody becomes system:masters by a certificate', async () => {
    const { csr } = await keyAndRequest(directory, 'master', '/CN=evil/O=system:masters');
    const ran = await admin.run(
      ['apply', '-f', '-'],
      `
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: { name: master-${suite} }
spec: { request: ${(await readFile(csr)).toString('base64')}, signerName: kubernetes.io/kube-apiserver-client, usages: [client auth] }
`,
    );
    expect(ran.stderr).toContain(
      'use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
    );
  });

  test('the token of a service account', async () => {
    await admin.ok(['-n', namespace, 'create', 'serviceaccount', 'robot']);
    await admin.ok([
      '-n',
      namespace,
      'create',
      'rolebinding',
      'robot',
      '--clusterrole=view',
      `--serviceaccount=${namespace}:robot`,
    ]);
    const token = (await admin.ok(['-n', namespace, 'create', 'token', 'robot', '--duration=20m'])).trim();
    const robot = await somebody('robot', [`--token=${token}`]);
    expect(await robot.ok(['auth', 'whoami'])).toContain(`system:serviceaccount:${namespace}:robot`);
    expect(await robot.ok(['auth', 'can-i', 'list', 'deployments'])).toBe('yes\n');
    expect(await refused(robot, ['get', 'secrets'])).toContain(
      `secrets is forbidden: User "system:serviceaccount:${namespace}:robot" cannot list resource "secrets"`,
    );
    expect(await refused(admin, ['-n', namespace, 'create', 'token', 'robot', '--duration=1m'])).toContain(
      'may not specify a duration less than 10 minutes',
    );
    const bad = await somebody('bad', [`--token=${token.slice(0, -4)}AAAA`]);
    expect(await refused(bad, ['get', 'pods'])).toContain('You must be logged in to the server');
    await admin.ok(['-n', namespace, 'delete', 'serviceaccount', 'robot']);
    expect(await refused(robot, ['get', 'pods'])).toContain('You must be logged in to the server');
  });

  test('a secret of type service-account-token is filled and goes with its account', async () => {
    await admin.ok(['-n', namespace, 'create', 'serviceaccount', 'old']);
    await admin.ok(
      ['-n', namespace, 'apply', '-f', '-'],
      `
apiVersion: v1
kind: Secret
metadata: { name: old-token, annotations: { kubernetes.io/service-account.name: old } }
type: kubernetes.io/service-account-token
`,
    );
    const token = await eventually('the token is there', () =>
      admin.ok(['-n', namespace, 'get', 'secret', 'old-token', '-o', 'jsonpath={.data.token}']),
    );
    const old = await somebody('old', [`--token=${Buffer.from(token, 'base64').toString()}`]);
    expect(await old.ok(['auth', 'whoami'])).toContain(`system:serviceaccount:${namespace}:old`);
    await admin.ok(['-n', namespace, 'delete', 'serviceaccount', 'old']);
    await eventually('the secret is gone', async () =>
      (await admin.run(['-n', namespace, 'get', 'secret', 'old-token'])).stderr.includes('NotFound'),
    );
  });

  test('a pod gets the credentials of its account unless it declines', async () => {
    await admin.ok(['-n', namespace, 'run', 'plain', '--image=busybox']);
    const pod = JSON.parse(await admin.ok(['-n', namespace, 'get', 'pod', 'plain', '-o', 'json']));
    expect(pod.spec.serviceAccountName).toBe('default');
    const [volume] = pod.spec.volumes;
    expect(volume.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/);
    expect(volume.projected.sources[0]).toEqual({ serviceAccountToken: { expirationSeconds: 3607, path: 'token' } });
    expect(pod.spec.containers[0].volumeMounts).toEqual([
      { mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', name: volume.name, readOnly: true },
    ]);
    const overrides = JSON.stringify({ spec: { automountServiceAccountToken: false } });
    await admin.ok(['-n', namespace, 'run', 'without', '--image=busybox', `--overrides=${overrides}`]);
    expect(await admin.ok(['-n', namespace, 'get', 'pod', 'without', '-o', 'jsonpath={.spec.volumes}'])).toBe('');
    const missing = JSON.stringify({ spec: { serviceAccountName: 'nobody' } });
    expect(await refused(admin, ['-n', namespace, 'run', 'x', '--image=busybox', `--overrides=${missing}`])).toContain(
      `pods "x" is forbidden: error looking up service account ${namespace}/nobody: serviceaccount "nobody" not found`,
    );
  });

  test('the audit log tells who asked for what', async () => {
    await refused(jane, ['-n', 'kube-system', 'get', 'secret', 'some']);
    const entry = await eventually('the line is there', async () =>
      (await readFile(auditLog, 'utf8'))
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
        .find(
          (event) =>
            event.user.username === user && event.objectRef?.resource === 'secrets' && event.objectRef.name === 'some',
        ),
    );
    expect(entry).toMatchObject({
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'Metadata',
      verb: 'get',
      objectRef: { namespace: 'kube-system', apiVersion: 'v1' },
      responseStatus: { code: 403 },
    });
  });
});
