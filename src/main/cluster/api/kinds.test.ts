import { describe, expect, it } from 'vitest';
import { created, faults, row, updated, updateFaults } from './testing';
import { examples } from './testing-examples';

const day = 86_400_000;
const now = Date.parse('2026-01-02T00:00:00Z');
const time = (ms: number) => new Date(ms).toISOString();

/** An example with metadata, as it is after a create. `change` may change the draft first. */
function made(id: string, change: (draft: any) => void = () => {}): any {
  const draft = structuredClone({ ...examples[id], metadata: { name: 'one', namespace: 'default', uid: 'u1' } });
  change(draft);
  return created(id.split('/').at(-1)!, draft);
}
const refused = (id: string, change: (draft: any) => void): string[] => {
  const draft = structuredClone({ ...examples[id], metadata: { name: 'one', namespace: 'default', uid: 'u1' } });
  change(draft);
  return faults(id.split('/').at(-1)!, draft);
};

describe('defaults', () => {
  it('of StatefulSets', () => {
    const { spec, status, metadata } = made('apps/v1/StatefulSet');
    expect(spec).toMatchObject({
      replicas: 1,
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      revisionHistoryLimit: 10,
    });
    expect(spec.volumeClaimTemplates[0]).toMatchObject({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      spec: { volumeMode: 'Filesystem' },
      status: { phase: 'Pending' },
    });
    expect(status).toEqual({ replicas: 0, availableReplicas: 0 });
    expect(metadata.generation).toBe(1);
  });

  it('of DaemonSets', () => {
    expect(made('apps/v1/DaemonSet').spec).toMatchObject({
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      revisionHistoryLimit: 10,
    });
  });

  it('of Jobs, with a selector of their own', () => {
    const { spec } = made('batch/v1/Job');
    expect(spec).toMatchObject({
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      podReplacementPolicy: 'TerminatingOrFailed',
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u1' } },
    });
    expect(spec.template.metadata.labels).toEqual({
      app: 'web',
      'batch.kubernetes.io/controller-uid': 'u1',
      'batch.kubernetes.io/job-name': 'one',
      'controller-uid': 'u1',
      'job-name': 'one',
    });
    const queue = made('batch/v1/Job', ({ spec }) => (spec.parallelism = 3)).spec;
    expect(queue.completions).toBeUndefined();
  });

  it('of LimitRanges: limits from maxima, requests from limits', () => {
    const { spec } = made('v1/LimitRange', ({ spec }) => {
      spec.limits[0] = {
        type: 'Container',
        max: { cpu: '2', memory: '1Gi' },
        default: { cpu: '1' },
        min: { cpu: '100m' },
      };
    });
    expect(spec.limits[0]).toMatchObject({
      default: { cpu: '1', memory: '1Gi' },
      defaultRequest: { cpu: '1', memory: '1Gi' },
    });
  });

  it('of NetworkPolicies, by the rules they have', () => {
    expect(made('networking.k8s.io/v1/NetworkPolicy').spec).toMatchObject({
      policyTypes: ['Ingress'],
      ingress: [{ ports: [{ port: 80, protocol: 'TCP' }] }],
    });
    const both = made('networking.k8s.io/v1/NetworkPolicy', ({ spec }) => (spec.egress = [{}]));
    expect(both.spec.policyTypes).toEqual(['Ingress', 'Egress']);
  });

  it('of autoscalers', () => {
    const { spec } = made('autoscaling/v2/HorizontalPodAutoscaler', ({ spec }) => {
      spec.behavior = { scaleDown: { stabilizationWindowSeconds: 60 } };
    });
    expect(spec.metrics).toMatchObject([
      { type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 80 } } },
    ]);
    expect(spec.behavior.scaleDown).toMatchObject({ stabilizationWindowSeconds: 60, selectPolicy: 'Max' });
    expect(spec.behavior.scaleUp.policies).toHaveLength(2);
  });

  it('of storage', () => {
    expect(made('storage.k8s.io/v1/StorageClass')).toMatchObject({
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'Immediate',
    });
    const volume = made('v1/PersistentVolume');
    expect(volume.spec).toMatchObject({ persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' });
    expect(volume.status.phase).toBe('Pending');
    expect(made('v1/PersistentVolumeClaim').status).toEqual({ phase: 'Pending' });
  });
});

describe('columns', () => {
  it('of Jobs', () => {
    const job = made('batch/v1/Job');
    job.status = { startTime: time(now - 90_000), succeeded: 0 };
    expect(row('Job', job, now)).toMatchObject({ Status: 'Running', Completions: '0/1', Duration: '90s' });
    job.status = {
      succeeded: 1,
      startTime: time(now - 90_000),
      completionTime: time(now - 60_000),
      conditions: [{ type: 'Complete', status: 'True' }],
    };
    expect(row('Job', job, now)).toMatchObject({ Status: 'Complete', Completions: '1/1', Duration: '30s' });
    expect(
      row(
        'Job',
        made('batch/v1/Job', ({ spec }) => (spec.parallelism = 3)),
        now,
      )['Completions'],
    ).toBe('0/1 of 3');
  });

  it('of CronJobs', () => {
    const cron = made('batch/v1/CronJob');
    expect(row('CronJob', cron, now)).toMatchObject({
      Schedule: '*/5 * * * *',
      Timezone: '<none>',
      Suspend: 'False',
      Active: 0,
      'Last Schedule': '<none>',
      Selector: '<none>',
    });
    cron.status = { lastScheduleTime: time(now - day), active: [{}] };
    expect(row('CronJob', cron, now)).toMatchObject({ Active: 1, 'Last Schedule': '24h' });
  });

  it('of autoscalers', () => {
    const target = (averageUtilization: number) => ({ target: { type: 'Utilization', averageUtilization } });
    const scaler = made('autoscaling/v2/HorizontalPodAutoscaler', ({ spec }) => {
      spec.metrics = [
        { type: 'Resource', resource: { name: 'cpu', ...target(80) } },
        { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
        { type: 'External', external: { metric: { name: 'q' }, target: { type: 'Value', value: '30' } } },
      ];
    });
    scaler.status = {
      currentReplicas: 2,
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 12 } } }],
    };
    expect(row('HorizontalPodAutoscaler', scaler, now)).toMatchObject({
      Reference: 'Deployment/web',
      Targets: 'cpu: 12%/80%, memory: <unknown>/1Gi + 1 more...',
      MinPods: '1',
      MaxPods: 5,
      Replicas: 2,
    });
  });

  it('of volumes and claims', () => {
    const claim = made('v1/PersistentVolumeClaim', ({ spec }) => (spec.storageClassName = 'fast'));
    expect(row('PersistentVolumeClaim', claim, now)).toMatchObject({
      Status: 'Pending',
      Volume: '',
      Capacity: '',
      'Access Modes': '',
      StorageClass: 'fast',
      VolumeAttributesClass: '<unset>',
      VolumeMode: 'Filesystem',
    });
    const volume = made('v1/PersistentVolume', ({ spec }) => {
      spec.accessModes = ['ReadWriteMany', 'ReadWriteOnce'];
      spec.claimRef = { namespace: 'default', name: 'data' };
    });
    expect(row('PersistentVolume', volume, now)).toMatchObject({
      Capacity: '1Gi',
      'Access Modes': 'RWO,RWX',
      'Reclaim Policy': 'Retain',
      Status: 'Pending',
      Claim: 'default/data',
      Reason: '',
    });
  });

  it('of the rest', () => {
    expect(row('Ingress', made('networking.k8s.io/v1/Ingress'), now)).toMatchObject({
      Class: '<none>',
      Hosts: 'web.example',
      Address: '',
      Ports: '80',
    });
    expect(row('PodDisruptionBudget', made('policy/v1/PodDisruptionBudget'), now)).toMatchObject({
      'Min Available': '1',
      'Max Unavailable': 'N/A',
      'Allowed Disruptions': 0,
    });
    const quota = made('v1/ResourceQuota');
    quota.status = { hard: { pods: '10', 'limits.cpu': '4', configmaps: '5' }, used: { pods: '3' } };
    expect(row('ResourceQuota', quota, now)).toMatchObject({
      Request: 'configmaps: 0/5, pods: 3/10',
      Limit: 'limits.cpu: 0/4',
    });
    expect(row('RoleBinding', made('rbac.authorization.k8s.io/v1/RoleBinding'), now)).toMatchObject({
      Role: 'ClusterRole/view',
      Users: 'jane',
      Groups: 'devs',
      ServiceAccounts: 'default/ci',
    });
    const storage = made('storage.k8s.io/v1/StorageClass', ({ metadata }) => {
      metadata.annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    });
    expect(row('StorageClass', storage, now)).toMatchObject({ Name: 'one (default)', AllowVolumeExpansion: false });
    const csr = made('certificates.k8s.io/v1/CertificateSigningRequest');
    expect(row('CertificateSigningRequest', csr, now)).toMatchObject({
      SignerName: 'kubernetes.io/kube-apiserver-client',
      Requestor: 'tester',
      RequestedDuration: '60m',
      Condition: 'Pending',
    });
    csr.status = { conditions: [{ type: 'Approved' }], certificate: 'x' };
    expect(row('CertificateSigningRequest', csr, now)['Condition']).toBe('Approved,Issued');
    expect(row('PriorityClass', made('scheduling.k8s.io/v1/PriorityClass'), now)).toMatchObject({
      Value: 1000,
      'Global-Default': false,
      PreemptionPolicy: 'PreemptLowerPriority',
    });
  });
});

describe('validation', () => {
  it.each<[string, (draft: any) => void, string]>([
    [
      'batch/v1/Job',
      ({ spec }) => delete spec.template.spec.restartPolicy,
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ],
    [
      'batch/v1/Job',
      ({ spec }) => (spec.selector = { matchLabels: { app: 'other' } }),
      'spec.template.metadata.labels: Invalid value: ',
    ],
    [
      'batch/v1/CronJob',
      ({ spec }) => (spec.schedule = 'nonsense'),
      'spec.schedule: Invalid value: "nonsense": expected exactly 5 fields, found 1: [nonsense]',
    ],
    [
      'batch/v1/CronJob',
      ({ spec }) => (spec.schedule = '61 * * * *'),
      'spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61',
    ],
    [
      'batch/v1/CronJob',
      ({ spec }) => (spec.timeZone = 'Mars/Base'),
      'spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base',
    ],
    [
      'batch/v1/CronJob',
      ({ metadata }) => (metadata.name = 'n'.repeat(53)),
      `metadata.name: Invalid value: "${'n'.repeat(53)}": must be no more than 52 characters`,
    ],
    [
      'apps/v1/StatefulSet',
      ({ spec }) => (spec.selector = {}),
      'spec.selector: Invalid value: {}: empty selector is invalid for statefulset',
    ],
    [
      'apps/v1/DaemonSet',
      ({ spec }) => (spec.updateStrategy = { rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } }),
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
    ],
    [
      'v1/PersistentVolumeClaim',
      ({ spec }) => delete spec.accessModes,
      'spec.accessModes: Required value: at least 1 access mode is required',
    ],
    ['v1/PersistentVolumeClaim', ({ spec }) => delete spec.resources, 'spec.resources[storage]: Required value'],
    ['v1/PersistentVolume', ({ spec }) => delete spec.hostPath, 'spec: Required value: must specify a volume type'],
    [
      'v1/PersistentVolume',
      ({ spec }) => (spec.local = { path: '/x' }),
      'spec.local: Forbidden: may not specify more than 1 volume type',
    ],
    [
      'networking.k8s.io/v1/Ingress',
      ({ spec }) => delete spec.rules[0].http.paths[0].pathType,
      'spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified',
    ],
    [
      'networking.k8s.io/v1/Ingress',
      (draft) => (draft.spec = {}),
      'spec: Invalid value: {}: either `defaultBackend` or `rules` must be specified',
    ],
    [
      'networking.k8s.io/v1/Ingress',
      ({ spec }) => (spec.rules[0].host = '10.0.0.1'),
      'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ],
    [
      'networking.k8s.io/v1/NetworkPolicy',
      ({ spec }) => (spec.ingress[0].from = [{}]),
      'spec.ingress[0].from[0]: Required value: must specify a peer',
    ],
    [
      'policy/v1/PodDisruptionBudget',
      ({ spec }) => (spec.maxUnavailable = 1),
      'minAvailable and maxUnavailable cannot be both set',
    ],
    [
      'autoscaling/v2/HorizontalPodAutoscaler',
      ({ spec }) => (spec.minReplicas = 9),
      'spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`',
    ],
    [
      'rbac.authorization.k8s.io/v1/Role',
      ({ rules }) => delete rules[0].verbs,
      'rules[0].verbs: Required value: verbs must contain at least one value',
    ],
    [
      'rbac.authorization.k8s.io/v1/Role',
      ({ rules }) => (rules[0] = { nonResourceURLs: ['/x'], verbs: ['get'] }),
      'namespaced rules cannot apply to non-resource URLs',
    ],
    [
      'rbac.authorization.k8s.io/v1/ClusterRoleBinding',
      ({ roleRef }) => (roleRef.kind = 'Role'),
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
    ],
    [
      'v1/LimitRange',
      ({ spec }) => (spec.limits[0].min = { cpu: '2' }),
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    ],
    [
      'v1/ResourceQuota',
      ({ spec }) => (spec.hard = { bananas: '1' }),
      'spec.hard[bananas]: Invalid value: "bananas": must be a standard resource for quota',
    ],
    [
      'scheduling.k8s.io/v1/PriorityClass',
      (draft) => (draft.value = 1_000_000_001),
      'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
    ],
    [
      'scheduling.k8s.io/v1/PriorityClass',
      ({ metadata }) => (metadata.name = 'system-mine'),
      "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only",
    ],
    [
      'certificates.k8s.io/v1/CertificateSigningRequest',
      ({ spec }) => (spec.expirationSeconds = 10),
      'spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 600 seconds (10 minutes)',
    ],
    [
      'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration',
      ({ webhooks }) => (webhooks[0].name = 'short'),
      'webhooks[0].name: Invalid value: "short": should be a domain with at least three segments separated by dots',
    ],
    [
      'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration',
      ({ webhooks }) => delete webhooks[0].sideEffects,
      'webhooks[0].sideEffects: Required value',
    ],
  ])('%s, case %#', (id, change, message) => {
    expect(refused(id, () => {})).toEqual([]);
    expect(refused(id, change).join('\n')).toContain(message);
  });

  it.each<[string, (draft: any) => void, string | undefined]>([
    [
      'apps/v1/StatefulSet',
      ({ spec }) => (spec.serviceName = 'other'),
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ],
    ['apps/v1/StatefulSet', ({ spec }) => (spec.replicas = 4), undefined],
    ['apps/v1/DaemonSet', ({ spec }) => (spec.selector.matchLabels.x = 'y'), 'field is immutable'],
    ['batch/v1/Job', ({ spec }) => (spec.template.spec.containers[0].image = 'other'), 'field is immutable'],
    ['batch/v1/Job', ({ spec }) => (spec.completions = 3), 'spec.completions: Invalid value: 3: field is immutable'],
    ['batch/v1/Job', ({ spec }) => (spec.parallelism = 3), undefined],
    [
      'v1/PersistentVolumeClaim',
      ({ spec }) => (spec.resources.requests.storage = '2Gi'),
      'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
    ],
    ['v1/PersistentVolumeClaim', ({ spec }) => (spec.volumeName = 'data'), undefined],
    [
      'v1/PersistentVolume',
      ({ spec }) => (spec.hostPath.path = '/elsewhere'),
      'spec.persistentvolumesource is immutable after creation',
    ],
    [
      'storage.k8s.io/v1/StorageClass',
      (draft) => (draft.provisioner = 'other'),
      'provisioner: Forbidden: updates to provisioner are forbidden.',
    ],
    ['rbac.authorization.k8s.io/v1/RoleBinding', ({ roleRef }) => (roleRef.name = 'admin'), 'cannot change roleRef'],
    [
      'scheduling.k8s.io/v1/PriorityClass',
      (draft) => (draft.value = 5),
      'value: Forbidden: may not be changed in an update.',
    ],
    ['node.k8s.io/v1/RuntimeClass', (draft) => (draft.handler = 'other'), 'field is immutable'],
  ])('of changes: %s, case %#', (id, change, message) => {
    const found = updateFaults(id.split('/').at(-1)!, made(id), change).join('\n');
    if (message === undefined) expect(found).toBe('');
    else expect(found).toContain(message);
  });

  it('lets the claims that are bound grow, not shrink', () => {
    const bound = made('v1/PersistentVolumeClaim');
    bound.spec.volumeName = 'data';
    bound.status = { phase: 'Bound', capacity: { storage: '1Gi' } };
    const grown = (storage: string) =>
      updateFaults('PersistentVolumeClaim', bound, ({ spec }) => (spec.resources.requests.storage = storage));
    expect(grown('2Gi')).toEqual([]);
    expect(grown('500Mi')).toEqual([
      'spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
    ]);
  });

  it('lets a node be given its addresses once', () => {
    const given = made('v1/Node', (draft) => (draft.spec = { podCIDR: '10.1.0.0/24' }));
    const moved = updateFaults('Node', given, ({ spec }) => (spec.podCIDR = '10.2.0.0/24'));
    expect(moved).toEqual(['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid']);
    expect(updateFaults('Node', made('v1/Node'), ({ spec }) => (spec.podCIDR = '10.2.0.0/24'))).toEqual([]);
  });

  it('lets a suspended job that has not started be placed', () => {
    const job = made('batch/v1/Job', ({ spec }) => (spec.suspend = true));
    const place = ({ spec }: any) => (spec.template.spec.nodeSelector = { zone: 'a' });
    expect(updateFaults('Job', job, place)).toEqual([]);
    expect(updateFaults('Job', { ...job, status: { startTime: time(now) } }, place)).toHaveLength(1);
  });
});

describe('generation', () => {
  it('counts changes of the webhooks', () => {
    const id = 'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration';
    const old = made(id);
    const label = updated('MutatingWebhookConfiguration', old, ({ metadata }) => (metadata.labels = { a: 'b' }));
    expect(label.metadata.generation).toBe(1);
    const webhook = updated('MutatingWebhookConfiguration', old, ({ webhooks }) => (webhooks[0].timeoutSeconds = 3));
    expect(webhook.metadata.generation).toBe(2);
  });
});
