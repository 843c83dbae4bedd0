import type { Deployment } from '../k8s';
import { formatSelector } from '../selectors';
import { condition, imagesOf, status } from './helpers';
import { defineKindView, type StatusValue } from './types';

/** How the rollout stands, in one word, the way `kubectl rollout status` decides it. */
export function deploymentStatus(object: Deployment): StatusValue {
  const desired = object.spec?.replicas ?? 1;
  const { updatedReplicas: updated = 0, replicas: all = 0, availableReplicas: available = 0 } = object.status ?? {};
  const progressing = condition(object, 'Progressing');
  const failure = condition(object, 'ReplicaFailure');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return status('Stalled', 'error', progressing.message);
  if (failure?.status === 'True') return status(failure.reason ?? 'ReplicaFailure', 'error', failure.message);
  if (object.spec?.paused) return status('Paused', 'warn');
  if (desired === 0 && all === 0) return status('Scaled to 0', 'off');
  const settled = (object.status?.observedGeneration ?? 0) >= (object.metadata.generation ?? 0);
  if (settled && updated >= desired && all <= updated && available >= updated) return status('Available', 'ok');
  return status('Progressing', 'busy', `${updated} of ${desired} pods updated, ${available} available`);
}

export const deployments = defineKindView<Deployment>({
  id: 'deployments',
  group: 'apps',
  version: 'v1',
  plural: 'deployments',
  kind: 'Deployment',
  namespaced: true,
  section: 'workloads',
  order: 20,
  icon: 'Boxes',
  columns: [
    {
      id: 'readyOf',
      renderer: 'text',
      width: 80,
      align: 'end',
      value: (object) => `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 1}`,
    },
    {
      id: 'upToDate',
      renderer: 'number',
      width: 100,
      align: 'end',
      value: (object) => object.status?.updatedReplicas ?? 0,
    },
    {
      id: 'available',
      renderer: 'number',
      width: 90,
      align: 'end',
      value: (object) => object.status?.availableReplicas ?? 0,
    },
    { id: 'images', renderer: 'list', width: 240, value: (object) => imagesOf(object.spec?.template?.spec) },
    {
      id: 'strategy',
      renderer: 'text',
      width: 130,
      optional: true,
      value: (object) => object.spec?.strategy?.type ?? 'RollingUpdate',
    },
  ],
  status: deploymentStatus,
  search: (object) => imagesOf(object.spec?.template?.spec).join(' '),
  facts: (object) => ({
    replicas: object.spec?.replicas ?? 1,
    readyReplicas: object.status?.readyReplicas ?? 0,
    paused: object.spec?.paused === true,
  }),
  podSelector: (object) => (object.spec?.selector ? formatSelector(object.spec.selector) : undefined),
  capabilities: { scale: true, rollout: true, pause: true, logs: true },
  template: `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
        - name: web
          image: nginx:1.27-alpine
          ports:
            - containerPort: 80
          readinessProbe:
            httpGet:
              path: /
              port: 80
          resources:
            requests:
              cpu: 50m
              memory: 32Mi
            limits:
              cpu: 250m
              memory: 128Mi
`,
});
