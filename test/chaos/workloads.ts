import { dirname } from 'node:path';
import { busybox } from '../support/docker';

export const namespace = 'chaos';

/** Pods leave a node that is gone after seconds, not after Kubernetes' five minutes. */
const tolerations = ['not-ready', 'unreachable'].map((taint) => ({
  key: `node.kubernetes.io/${taint}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 3,
}));

/** Written at the first start with a volume, and never again: what is there at the end was kept all the time. */
export const markerFile = '/data/marker';
const marking = `[ -s ${markerFile} ] || echo "$(hostname) $(cat /proc/sys/kernel/random/uuid)" > ${markerFile}`;

const serving = 'mkdir -p /www; hostname > /www/index.html; touch /tmp/ready; exec httpd -f -p 8080 -h /www';
const idling = 'touch /tmp/ready; trap "exit 0" TERM; sleep 100000 & wait';

/** What each pod of a StatefulSet keeps. */
export const claimTemplate = {
  metadata: { name: 'data' },
  spec: {
    storageClassName: 'standard',
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '8Mi' } },
  },
};

/** A pod with one volume of each kind that takes room on the engine or on disk. @param keeps it has a claim too */
function template(app: string, version: string, keeps: boolean) {
  const script = app === 'red' ? serving : idling;
  return {
    metadata: { labels: { app } },
    spec: {
      terminationGracePeriodSeconds: 1,
      tolerations,
      containers: [
        {
          name: 'main',
          image: busybox,
          command: ['sh', '-c', keeps ? `${marking}; ${script}` : script],
          env: [{ name: 'VERSION', value: version }],
          readinessProbe: { exec: { command: ['cat', '/tmp/ready'] }, periodSeconds: 2, timeoutSeconds: 10 },
          volumeMounts: [
            { name: 'memory', mountPath: '/memory' },
            { name: 'disk', mountPath: '/disk' },
            ...(keeps ? [{ name: claimTemplate.metadata.name, mountPath: dirname(markerFile) }] : []),
          ],
        },
      ],
      volumes: [
        { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
        { name: 'disk', emptyDir: {} },
      ],
    },
  };
}

/** What was asked of a workload; a DaemonSet has no number of replicas. */
export interface Wish {
  replicas?: number;
  version?: string;
  value?: string;
}

/** A kind of object that chaos acts on: where it is, how it looks, and how its wish is read back. */
export interface Sort {
  path: string;
  body(name: string, wish: Wish): object;
  read(object: any): Wish;
}

const workload = (plural: string, extra: object = {}): Sort => ({
  path: `/apis/apps/v1/namespaces/${namespace}/${plural}`,
  body: (name, { replicas, version }) => ({
    metadata: { name },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: { app: name } },
      template: template(name, version!, plural === 'statefulsets'),
      ...extra,
    },
  }),
  read: ({ spec }) => ({
    ...(plural === 'daemonsets' ? {} : { replicas: spec.replicas }),
    version: spec.template.spec.containers[0].env[0].value,
  }),
});

export const sorts = {
  deployment: workload('deployments'),
  statefulset: workload('statefulsets', { serviceName: 'db', volumeClaimTemplates: [claimTemplate] }),
  daemonset: workload('daemonsets'),
  note: {
    path: `/api/v1/namespaces/${namespace}/configmaps`,
    body: (name, { value }) => ({ metadata: { name }, data: { value } }),
    read: ({ data }) => ({ value: data.value }),
  },
} satisfies Record<string, Sort>;

export type SortName = keyof typeof sorts;

export const job = {
  metadata: { name: 'work' },
  spec: {
    completions: 6,
    parallelism: 2,
    backoffLimit: 1000,
    template: {
      metadata: { labels: { app: 'work' } },
      spec: {
        restartPolicy: 'OnFailure',
        terminationGracePeriodSeconds: 1,
        tolerations,
        containers: [{ name: 'main', image: busybox, command: ['sh', '-c', 'sleep 5'] }],
      },
    },
  },
};

export const service = {
  metadata: { name: 'web' },
  spec: { selector: { app: 'red' }, ports: [{ port: 80, targetPort: 8080 }] },
};
