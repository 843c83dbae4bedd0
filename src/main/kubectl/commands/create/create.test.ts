import { expect, it } from 'vitest';
import { createTestKubectl } from '../../testing';

type Kubectl = Awaited<ReturnType<typeof createTestKubectl>>;

/** Runs a line and reads what it made. */
async function made({ run, send }: Kubectl, argv: string[], path: string): Promise<any> {
  const { code, err } = await run(['create', ...argv]);
  expect(code, err).toBe(0);
  const { status, body } = await send('GET', path);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const here = '/namespaces/default';

it('makes roles of verbs and resources, a rule for each group', async () => {
  const kubectl = await createTestKubectl();
  const role = await made(
    kubectl,
    ['role', 'r', '--verb=get,list', '--verb=get', '--resource=pods,deploy,pods/log,rs.apps'],
    `${rbac}${here}/roles/r`,
  );
  expect(role.rules).toEqual([
    { apiGroups: [''], resources: ['pods', 'pods/log'], verbs: ['get', 'list'] },
    { apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: ['get', 'list'] },
  ]);
  const one = await made(
    kubectl,
    ['role', 'one', '--verb=get', '--resource=secrets', '--resource-name=a', '--resource-name=b'],
    `${rbac}${here}/roles/one`,
  );
  expect(one.rules[0].resourceNames).toEqual(['a', 'b']);
  const paths = await made(
    kubectl,
    ['clusterrole', 'scraper', '--verb=get', '--non-resource-url=/metrics'],
    `${rbac}/clusterroles/scraper`,
  );
  expect(paths.rules).toEqual([{ nonResourceURLs: ['/metrics'], verbs: ['get'] }]);
  const sum = await made(kubectl, ['clusterrole', 'sum', '--aggregation-rule=a=b'], `${rbac}/clusterroles/sum`);
  expect(sum.aggregationRule).toEqual({ clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] });
});

it('binds roles', async () => {
  const kubectl = await createTestKubectl();
  const binding = await made(
    kubectl,
    ['rolebinding', 'b', '--clusterrole=view', '--user=jane', '--group=team', '--serviceaccount=ns:robot'],
    `${rbac}${here}/rolebindings/b`,
  );
  expect(binding.roleRef).toEqual({ apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' });
  expect(binding.subjects.map(({ kind, name, namespace }: any) => [kind, name, namespace])).toEqual([
    ['User', 'jane', undefined],
    ['Group', 'team', undefined],
    ['ServiceAccount', 'robot', 'ns'],
  ]);
  await made(
    kubectl,
    ['clusterrolebinding', 'b', '--clusterrole=view', '--user=jane'],
    `${rbac}/clusterrolebindings/b`,
  );
});

it('makes jobs and cron jobs, and a job of a cron job', async () => {
  const kubectl = await createTestKubectl();
  const jobs = '/apis/batch/v1/namespaces/default';
  const job = await made(kubectl, ['job', 'once', '--image=busybox', '--', 'echo', 'hi'], `${jobs}/jobs/once`);
  expect(job.spec.template.spec).toMatchObject({
    restartPolicy: 'Never',
    containers: [{ name: 'once', image: 'busybox', command: ['echo', 'hi'] }],
  });
  const tick = await made(
    kubectl,
    ['cronjob', 'tick', '--image=busybox', '--schedule=*/5 * * * *'],
    `${jobs}/cronjobs/tick`,
  );
  expect(tick.spec).toMatchObject({
    schedule: '*/5 * * * *',
    jobTemplate: { spec: { template: { spec: { restartPolicy: 'OnFailure' } } } },
  });
  const now = await made(kubectl, ['job', 'now', '--from=cronjob/tick'], `${jobs}/jobs/now`);
  expect(now.metadata.annotations).toEqual({ 'cronjob.kubernetes.io/instantiate': 'manual' });
  expect(now.metadata.ownerReferences).toMatchObject([{ kind: 'CronJob', name: 'tick', controller: true }]);
});

it('makes an ingress of rules', async () => {
  const kubectl = await createTestKubectl();
  const ingress = await made(
    kubectl,
    [
      'ingress',
      'web',
      '--class=nginx',
      '--rule=a.example/*=web:80,tls=cert',
      '--rule=a.example/api=api:http',
      '--default-backend=other:8080',
      '--annotation=x=y',
    ],
    '/apis/networking.k8s.io/v1/namespaces/default/ingresses/web',
  );
  expect(ingress.metadata.annotations).toEqual({ x: 'y' });
  expect(ingress.spec).toEqual({
    ingressClassName: 'nginx',
    defaultBackend: { service: { name: 'other', port: { number: 8080 } } },
    tls: [{ hosts: ['a.example'], secretName: 'cert' }],
    rules: [
      {
        host: 'a.example',
        http: {
          paths: [
            { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } },
            { path: '/api', pathType: 'Exact', backend: { service: { name: 'api', port: { name: 'http' } } } },
          ],
        },
      },
    ],
  });
});

it('makes disruption budgets and priority classes', async () => {
  const kubectl = await createTestKubectl();
  const budget = await made(
    kubectl,
    ['pdb', 'web', '--selector=app=web,tier notin (a)', '--min-available=50%'],
    '/apis/policy/v1/namespaces/default/poddisruptionbudgets/web',
  );
  expect(budget.spec).toEqual({
    minAvailable: '50%',
    selector: { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['a'] }] },
  });
  const high = await made(
    kubectl,
    ['priorityclass', 'high', '--value=1000', '--preemption-policy=Never'],
    '/apis/scheduling.k8s.io/v1/priorityclasses/high',
  );
  expect(high).toMatchObject({ value: 1000, preemptionPolicy: 'Never' });
});

it.each([
  ['role r', 'error: at least one verb must be specified\n'],
  ['role r --verb=get', 'error: at least one resource must be specified\n'],
  ['role r --verb=get --resource=nothings', `error: the server doesn't have a resource type "nothings"\n`],
  [
    'role r --verb=get --resource=pods,secrets --resource-name=a',
    'error: resource name(s) can not be applied to multiple resources\n',
  ],
  ['clusterrole r --verb=list --non-resource-url=/x', "error: invalid verb 'list' for nonResourceURL\n"],
  ['clusterrole r --verb=get --non-resource-url=x', 'error: nonResourceURL should start with /\n'],
  ['rolebinding b', 'error: exactly one of clusterrole or role must be specified\n'],
  ['rolebinding b --role=r --serviceaccount=robot', 'error: serviceaccount must be <namespace>:<name>\n'],
  ['clusterrolebinding b', 'error: required flag(s) "clusterrole" not set\n'],
  ['job j', 'error: either --image or --from must be specified\n'],
  ['job j --from=cronjob/c -- x', 'error: cannot specify --from and command\n'],
  ['job j --from=deploy/c', 'error: from must be an existing cronjob\n'],
  ['cronjob c', 'error: required flag(s) "image", "schedule" not set\n'],
  [
    'ingress i --rule=nonsense',
    'error: rule nonsense is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]\n',
  ],
  ['ingress i --default-backend=web', 'error: default-backend should be in format servicename:serviceport\n'],
  ['pdb p', 'error: a selector must be specified\n'],
  ['pdb p --selector=a=b', 'error: one of min-available or max-unavailable must be specified\n'],
  [
    'token robot --bound-object-name=x',
    'error: --bound-object-name can only be set if --bound-object-kind is provided\n',
  ],
])('create %s is refused', async (line, err) => {
  const { kubectl } = await createTestKubectl();
  expect(await kubectl(`create ${line}`)).toEqual({ code: 1, out: '', err });
});
