/**
 * One valid object of every kind that is not made by the server itself, as short
 * as it can be. For tests.
 */

const template = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: 'nginx:1.27' }] },
};
const once = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } };
const selector = { matchLabels: { app: 'web' } };
const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' };
const subjects = [
  { kind: 'User', name: 'jane' },
  { kind: 'Group', name: 'devs' },
  { kind: 'ServiceAccount', name: 'ci', namespace: 'default' },
];
const webhook = {
  name: 'a.example.com',
  clientConfig: { service: { name: 'hook', namespace: 'default' } },
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
  rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
};
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const request = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n');

/** By `apiVersion/Kind`. */
export const examples: Record<string, Record<string, unknown>> = {
  'v1/ConfigMap': { data: { key: 'value' } },
  'v1/Endpoints': {},
  'v1/Event': {
    involvedObject: { kind: 'Pod', namespace: 'default', name: 'web' },
    reason: 'Started',
    message: 'Started container web',
    type: 'Normal',
  },
  'v1/LimitRange': { spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } },
  'v1/Namespace': {},
  'v1/Node': {},
  'v1/PersistentVolume': {
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/srv' } },
  },
  'v1/PersistentVolumeClaim': {
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  },
  'v1/Pod': { spec: template.spec },
  'v1/PodTemplate': { template },
  'v1/ReplicationController': { spec: { template } },
  'v1/ResourceQuota': { spec: { hard: { pods: '10', 'limits.cpu': '4' } } },
  'v1/Secret': { stringData: { key: 'value' } },
  'v1/Service': { spec: { ports: [{ port: 80 }] } },
  'v1/ServiceAccount': {},
  'events.k8s.io/v1/Event': {
    eventTime: '2026-01-01T00:00:00.000000Z',
    regarding: { kind: 'Pod', namespace: 'default', name: 'web' },
    reason: 'Started',
    note: 'Started container web',
    action: 'Start',
    type: 'Normal',
    reportingController: 'example.com/tester',
    reportingInstance: 'tester-1',
  },
  'apps/v1/ControllerRevision': { data: {}, revision: 1 },
  'apps/v1/DaemonSet': { spec: { selector, template } },
  'apps/v1/Deployment': { spec: { selector, template } },
  'apps/v1/ReplicaSet': { spec: { selector, template } },
  'apps/v1/StatefulSet': {
    spec: {
      serviceName: 'web',
      selector,
      template,
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ],
    },
  },
  'autoscaling/v2/HorizontalPodAutoscaler': { spec: { scaleTargetRef, maxReplicas: 5 } },
  'autoscaling/v1/HorizontalPodAutoscaler': {
    spec: { scaleTargetRef, maxReplicas: 5, targetCPUUtilizationPercentage: 60 },
  },
  'batch/v1/CronJob': { spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: once } } } },
  'batch/v1/Job': { spec: { template: once } },
  'certificates.k8s.io/v1/CertificateSigningRequest': {
    spec: {
      request: request.toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['client auth'],
      expirationSeconds: 3600,
    },
  },
  'networking.k8s.io/v1/Ingress': {
    spec: {
      rules: [
        {
          host: 'web.example',
          http: {
            paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }],
          },
        },
      ],
    },
  },
  'networking.k8s.io/v1/IngressClass': { spec: { controller: 'example.com/ingress' } },
  'networking.k8s.io/v1/NetworkPolicy': {
    spec: { podSelector: selector, ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 80 }] }] },
  },
  'policy/v1/PodDisruptionBudget': { spec: { minAvailable: 1, selector } },
  'rbac.authorization.k8s.io/v1/ClusterRole': { rules },
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': { roleRef, subjects },
  'rbac.authorization.k8s.io/v1/Role': { rules },
  'rbac.authorization.k8s.io/v1/RoleBinding': { roleRef, subjects },
  'storage.k8s.io/v1/CSIDriver': { spec: {} },
  'storage.k8s.io/v1/CSINode': { spec: { drivers: [{ name: 'csi.example.com', nodeID: 'n' }] } },
  'storage.k8s.io/v1/StorageClass': { provisioner: 'example.com/disks' },
  'storage.k8s.io/v1/VolumeAttachment': {
    spec: { attacher: 'csi.example.com', nodeName: 'n', source: { persistentVolumeName: 'data' } },
  },
  'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration': { webhooks: [webhook] },
  'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration': { webhooks: [webhook] },
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy': {
    spec: {
      matchConstraints: { resourceRules: webhook.rules },
      validations: [{ expression: 'object.metadata.name != "x"' }],
    },
  },
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding': {
    spec: { policyName: 'names', validationActions: ['Deny'] },
  },
  'scheduling.k8s.io/v1/PriorityClass': { value: 1000 },
  'coordination.k8s.io/v1/Lease': { spec: { holderIdentity: 'me' } },
  'node.k8s.io/v1/RuntimeClass': { handler: 'runc' },
  'discovery.k8s.io/v1/EndpointSlice': { addressType: 'IPv4', endpoints: [] },
};
