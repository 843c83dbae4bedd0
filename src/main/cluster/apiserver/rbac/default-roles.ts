import type { ClusterRole, ClusterRoleBinding, KubeObject, ObjectMeta, PolicyRule } from '@shared/k8s';

/** The roles and bindings every cluster has, as Kubernetes documents them ("Default roles and role bindings"). */

/** An object before the server has given it its place. */
export type Unstored<T extends KubeObject> = Omit<T, 'metadata'> & { metadata: ObjectMeta & { name: string } };

const rbac = 'rbac.authorization.k8s.io';
const autoupdate = { 'rbac.authorization.kubernetes.io/autoupdate': 'true' };
const bootstrap = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };

const read = ['get', 'list', 'watch'];
const write = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const all = [...read, ...write];

const rule = (group: string, resources: string[], verbs: string[], more: Partial<PolicyRule> = {}): PolicyRule => ({
  apiGroups: [group],
  resources,
  verbs,
  ...more,
});
const paths = (nonResourceURLs: string[]): PolicyRule => ({ nonResourceURLs, verbs: ['get'] });

const role = (
  name: string,
  rules: PolicyRule[],
  labels: Record<string, string> = {},
  more: Pick<Unstored<ClusterRole>, 'aggregationRule'> = {},
): Unstored<ClusterRole> => ({
  apiVersion: `${rbac}/v1`,
  kind: 'ClusterRole',
  metadata: { name, labels: { ...bootstrap, ...labels }, annotations: autoupdate },
  rules,
  ...more,
});

const aggregateTo = (name: string) => ({ [`${rbac}/aggregate-to-${name}`]: 'true' });
const aggregated = (name: string, labels: Record<string, string> = {}): Unstored<ClusterRole> =>
  role(name, [], labels, { aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] } });

const views: PolicyRule[] = [
  rule(
    '',
    [
      'configmaps',
      'endpoints',
      'persistentvolumeclaims',
      'persistentvolumeclaims/status',
      'pods',
      'replicationcontrollers',
      'replicationcontrollers/scale',
      'serviceaccounts',
      'services',
      'services/status',
    ],
    read,
  ),
  rule(
    '',
    [
      'bindings',
      'events',
      'limitranges',
      'namespaces/status',
      'pods/log',
      'pods/status',
      'replicationcontrollers/status',
      'resourcequotas',
      'resourcequotas/status',
    ],
    read,
  ),
  rule('', ['namespaces'], read),
  rule('discovery.k8s.io', ['endpointslices'], read),
  rule(
    'apps',
    [
      'controllerrevisions',
      'daemonsets',
      'daemonsets/status',
      'deployments',
      'deployments/scale',
      'deployments/status',
      'replicasets',
      'replicasets/scale',
      'replicasets/status',
      'statefulsets',
      'statefulsets/scale',
      'statefulsets/status',
    ],
    read,
  ),
  rule('autoscaling', ['horizontalpodautoscalers', 'horizontalpodautoscalers/status'], read),
  rule('batch', ['cronjobs', 'cronjobs/status', 'jobs', 'jobs/status'], read),
  rule('policy', ['poddisruptionbudgets', 'poddisruptionbudgets/status'], read),
  rule('networking.k8s.io', ['ingresses', 'ingresses/status', 'networkpolicies'], read),
  rule('metrics.k8s.io', ['pods', 'nodes'], read),
];

const edits: PolicyRule[] = [
  rule('', ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy'], read),
  rule('', ['serviceaccounts'], ['impersonate']),
  rule('', ['pods', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy'], write),
  rule('', ['pods/eviction'], ['create']),
  rule(
    '',
    [
      'configmaps',
      'events',
      'persistentvolumeclaims',
      'replicationcontrollers',
      'replicationcontrollers/scale',
      'secrets',
      'serviceaccounts',
      'services',
      'services/proxy',
    ],
    write,
  ),
  rule('', ['serviceaccounts/token'], ['create']),
  rule(
    'apps',
    [
      'daemonsets',
      'deployments',
      'deployments/rollback',
      'deployments/scale',
      'replicasets',
      'replicasets/scale',
      'statefulsets',
      'statefulsets/scale',
    ],
    write,
  ),
  rule('autoscaling', ['horizontalpodautoscalers'], write),
  rule('batch', ['cronjobs', 'jobs'], write),
  rule('policy', ['poddisruptionbudgets'], write),
  rule('networking.k8s.io', ['ingresses', 'networkpolicies'], write),
  rule('coordination.k8s.io', ['leases'], all),
];

const admins: PolicyRule[] = [
  rule('authorization.k8s.io', ['localsubjectaccessreviews'], ['create']),
  rule(rbac, ['rolebindings', 'roles'], all),
];

const reviews = (group: string, resources: string[]) => rule(group, resources, ['create']);
const tokenReviews = reviews('authentication.k8s.io', ['tokenreviews']);
const accessReviews = reviews('authorization.k8s.io', ['subjectaccessreviews']);
const events = ['', 'events.k8s.io'].map((group) => rule(group, ['events'], ['create', 'patch', 'update']));
const signer = (name: string) => [
  rule('certificates.k8s.io', ['signers'], ['approve'], { resourceNames: [`kubernetes.io/${name}`] }),
];

const node: PolicyRule[] = [
  tokenReviews,
  reviews('authorization.k8s.io', ['localsubjectaccessreviews', 'subjectaccessreviews']),
  rule('', ['services'], read),
  rule('', ['nodes'], ['create', 'get', 'list', 'watch']),
  rule('', ['nodes/status'], ['patch', 'update']),
  rule('', ['nodes'], ['patch', 'update']),
  ...events,
  rule('', ['pods'], read),
  rule('', ['pods'], ['create', 'delete']),
  rule('', ['pods/status'], ['patch', 'update']),
  rule('', ['pods/eviction'], ['create']),
  rule('', ['configmaps', 'secrets'], read),
  rule('', ['persistentvolumeclaims', 'persistentvolumes'], ['get']),
  rule('', ['endpoints'], ['get']),
  rule('certificates.k8s.io', ['certificatesigningrequests'], ['create', 'get', 'list', 'watch']),
  rule('coordination.k8s.io', ['leases'], ['create', 'delete', 'get', 'patch', 'update']),
  rule('storage.k8s.io', ['volumeattachments'], ['get']),
  rule('', ['serviceaccounts/token'], ['create']),
  rule('', ['persistentvolumeclaims/status'], ['get', 'patch', 'update']),
  rule('storage.k8s.io', ['csidrivers'], read),
  rule('storage.k8s.io', ['csinodes'], ['create', 'delete', 'get', 'patch', 'update']),
  rule('node.k8s.io', ['runtimeclasses'], read),
];

const leases = (name: string) => [
  rule('coordination.k8s.io', ['leases'], ['create']),
  rule('coordination.k8s.io', ['leases'], ['get', 'update'], { resourceNames: [name] }),
];

const scheduler: PolicyRule[] = [
  ...events,
  ...leases('kube-scheduler'),
  rule('', ['nodes'], read),
  rule('', ['pods'], ['delete', ...read]),
  rule('', ['bindings', 'pods/binding'], ['create']),
  rule('', ['pods/status'], ['patch', 'update']),
  rule('', ['replicationcontrollers', 'services', 'namespaces'], read),
  rule('apps', ['replicasets', 'statefulsets'], read),
  rule('policy', ['poddisruptionbudgets'], read),
  rule('', ['persistentvolumeclaims', 'persistentvolumes'], read),
  rule('storage.k8s.io', ['csidrivers', 'csinodes', 'csistoragecapacities'], read),
  tokenReviews,
  accessReviews,
];

const controllerManager: PolicyRule[] = [
  ...events,
  ...leases('kube-controller-manager'),
  rule('', ['secrets', 'serviceaccounts'], ['create']),
  rule('', ['secrets'], ['delete']),
  rule('', ['configmaps', 'namespaces', 'secrets', 'serviceaccounts'], ['get']),
  rule('', ['secrets', 'serviceaccounts'], ['update']),
  tokenReviews,
  accessReviews,
  rule('*', ['*'], ['list', 'watch']),
  rule('', ['serviceaccounts/token'], ['create']),
];

const csrClient = (name: string) => [rule('certificates.k8s.io', [`certificatesigningrequests/${name}`], ['create'])];

export const defaultClusterRoles: readonly Unstored<ClusterRole>[] = [
  role('cluster-admin', [rule('*', ['*'], ['*']), { nonResourceURLs: ['*'], verbs: ['*'] }]),
  aggregated('admin'),
  aggregated('edit', aggregateTo('admin')),
  aggregated('view', aggregateTo('edit')),
  role('system:aggregate-to-admin', admins, aggregateTo('admin')),
  role('system:aggregate-to-edit', edits, aggregateTo('edit')),
  role('system:aggregate-to-view', views, aggregateTo('view')),
  role('system:discovery', [
    paths([
      '/api',
      '/api/*',
      '/apis',
      '/apis/*',
      '/healthz',
      '/livez',
      '/openapi',
      '/openapi/*',
      '/readyz',
      '/version',
      '/version/',
    ]),
  ]),
  role('system:basic-user', [
    reviews('authorization.k8s.io', ['selfsubjectaccessreviews', 'selfsubjectrulesreviews']),
    reviews('authentication.k8s.io', ['selfsubjectreviews']),
  ]),
  role('system:public-info-viewer', [paths(['/healthz', '/livez', '/readyz', '/version', '/version/'])]),
  role('system:monitoring', [
    paths(['/healthz', '/healthz/*', '/livez', '/livez/*', '/metrics', '/metrics/slis', '/readyz', '/readyz/*']),
  ]),
  role('system:service-account-issuer-discovery', [
    paths([
      '/.well-known/openid-configuration',
      '/.well-known/openid-configuration/',
      '/openid/v1/jwks',
      '/openid/v1/jwks/',
    ]),
  ]),
  role('system:auth-delegator', [tokenReviews, accessReviews]),
  role('system:kube-aggregator', [rule('', ['endpoints', 'services'], read)]),
  role('system:node', node),
  role('system:node-bootstrapper', [
    rule('certificates.k8s.io', ['certificatesigningrequests'], ['create', 'get', 'list', 'watch']),
  ]),
  role('system:node-problem-detector', [
    rule('', ['nodes'], ['get']),
    rule('', ['nodes/status'], ['patch']),
    ...events,
  ]),
  role('system:node-proxier', [
    rule('', ['endpoints', 'services'], ['list', 'watch']),
    rule('', ['nodes'], read),
    ...events,
    rule('discovery.k8s.io', ['endpointslices'], ['list', 'watch']),
  ]),
  role('system:kube-controller-manager', controllerManager),
  role('system:kube-scheduler', scheduler),
  role('system:kube-dns', [rule('', ['endpoints', 'services'], ['list', 'watch'])]),
  role('system:persistent-volume-provisioner', [
    rule('', ['persistentvolumes'], ['create', 'delete', ...read]),
    rule('', ['persistentvolumeclaims'], [...read, 'update']),
    rule('storage.k8s.io', ['storageclasses'], read),
    rule('', ['events'], ['watch', 'create', 'patch', 'update']),
  ]),
  role('system:volume-scheduler', [
    rule('', ['persistentvolumes'], ['get', 'list', 'patch', 'update', 'watch']),
    rule('storage.k8s.io', ['storageclasses'], read),
    rule('', ['persistentvolumeclaims'], ['get', 'list', 'patch', 'update', 'watch']),
  ]),
  role('system:certificates.k8s.io:certificatesigningrequests:nodeclient', csrClient('nodeclient')),
  role('system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', csrClient('selfnodeclient')),
  role('system:certificates.k8s.io:kube-apiserver-client-approver', signer('kube-apiserver-client')),
  role('system:certificates.k8s.io:kube-apiserver-client-kubelet-approver', signer('kube-apiserver-client-kubelet')),
  role('system:certificates.k8s.io:kubelet-serving-approver', signer('kubelet-serving')),
  role('system:certificates.k8s.io:legacy-unknown-approver', signer('legacy-unknown')),
];

type Subject = NonNullable<ClusterRoleBinding['subjects']>[number];
const group = (name: string): Subject => ({ apiGroup: rbac, kind: 'Group', name });
const user = (name: string): Subject => ({ apiGroup: rbac, kind: 'User', name });

const bind = (name: string, subjects: Subject[], roleName = name): Unstored<ClusterRoleBinding> => ({
  apiVersion: `${rbac}/v1`,
  kind: 'ClusterRoleBinding',
  metadata: { name, labels: bootstrap, annotations: autoupdate },
  roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: roleName },
  ...(subjects.length > 0 ? { subjects } : {}),
});

export const defaultClusterRoleBindings: readonly Unstored<ClusterRoleBinding>[] = [
  bind('cluster-admin', [group('system:masters')]),
  bind('system:discovery', [group('system:authenticated')]),
  bind('system:basic-user', [group('system:authenticated')]),
  bind('system:public-info-viewer', [group('system:authenticated'), group('system:unauthenticated')]),
  bind('system:monitoring', [group('system:monitoring')]),
  bind('system:service-account-issuer-discovery', [group('system:serviceaccounts')]),
  bind('system:node', []),
  bind('system:node-proxier', [user('system:kube-proxy')]),
  bind('system:kube-controller-manager', [user('system:kube-controller-manager')]),
  bind('system:kube-scheduler', [user('system:kube-scheduler')]),
  bind('system:kube-dns', [{ kind: 'ServiceAccount', name: 'kube-dns', namespace: 'kube-system' }]),
  bind('system:volume-scheduler', [user('system:kube-scheduler')]),
];
