import { describe, expect, it } from 'vitest';
import { isLatest } from './pod/defaults';
import { qosClass } from './pod/qos';
import { created, kindOf, updated } from './testing';

const containers = [{ name: 'a', image: 'nginx' }];

describe('pods', () => {
  it('get what Kubernetes gives them', () => {
    const pod = created('Pod', {
      metadata: { name: 'p' },
      spec: { containers: [{ name: 'a', image: 'nginx:1.27', ports: [{ containerPort: 80 }] }] },
    });
    expect(pod.spec).toEqual({
      containers: [
        {
          name: 'a',
          image: 'nginx:1.27',
          ports: [{ containerPort: 80, protocol: 'TCP' }],
          resources: {},
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          imagePullPolicy: 'IfNotPresent',
        },
      ],
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      terminationGracePeriodSeconds: 30,
      schedulerName: 'default-scheduler',
      securityContext: {},
      enableServiceLinks: true,
      serviceAccountName: 'default',
      serviceAccount: 'default',
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      ],
    });
    expect(pod.status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' });
    expect(pod.metadata.generation).toBe(1);
  });

  it('keep what they say themselves', () => {
    const tolerations = [{ operator: 'Exists' }];
    const pod = created('Pod', {
      spec: {
        containers,
        tolerations,
        serviceAccountName: 'bot',
        priorityClassName: 'system-node-critical',
        dnsPolicy: 'Default',
      },
    });
    expect(pod.spec).toMatchObject({
      tolerations,
      serviceAccount: 'bot',
      priority: 2_000_001_000,
      dnsPolicy: 'Default',
    });
  });

  it('request what they are limited to', () => {
    const resources = { limits: { cpu: '0.5', memory: '64Mi' }, requests: { memory: '32Mi' } };
    const pod = created('Pod', { spec: { containers: [{ ...containers[0], resources }] } });
    expect(pod.spec.containers[0].resources).toEqual({
      limits: { cpu: '500m', memory: '64Mi' },
      requests: { cpu: '500m', memory: '32Mi' },
    });
    expect(pod.status.qosClass).toBe('Burstable');
  });

  it('get defaults of probes, hooks, volumes and field references', () => {
    const pod = created('Pod', {
      spec: {
        containers: [
          {
            ...containers[0],
            livenessProbe: { httpGet: { port: 80 } },
            env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
          },
        ],
        volumes: [{ name: 'e' }, { name: 's', secret: { secretName: 's' } }, { name: 'h', hostPath: { path: '/x' } }],
      },
    });
    expect(pod.spec.containers[0].livenessProbe).toEqual({
      httpGet: { port: 80, path: '/', scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    });
    expect(pod.spec.containers[0].env[0].valueFrom.fieldRef.apiVersion).toBe('v1');
    expect(pod.spec.volumes).toEqual([
      { name: 'e', emptyDir: {} },
      { name: 's', secret: { secretName: 's', defaultMode: 420 } },
      { name: 'h', hostPath: { path: '/x', type: '' } },
    ]);
  });

  it.each([
    ['nginx', true],
    ['nginx:latest', true],
    ['localhost:5000/nginx', true],
    ['localhost:5000/nginx:1', false],
    ['nginx@sha256:0', false],
  ])('image %s moves: %s', (image, moves) => expect(isLatest(image)).toBe(moves));

  it('classifies quality of service', () => {
    const both = { cpu: '1', memory: '1Gi' };
    const spec = (resources: object): any => ({ containers: [{ name: 'a', resources }] });
    expect(qosClass(spec({ limits: both, requests: both }))).toBe('Guaranteed');
    expect(qosClass(spec({ limits: both, requests: { ...both, cpu: '500m' } }))).toBe('Burstable');
    expect(qosClass(spec({ limits: { cpu: '1' } }))).toBe('Burstable');
    expect(qosClass(spec({}))).toBe('BestEffort');
  });

  it('are given time to end only where something runs', () => {
    const grace = kindOf('Pod').gracePeriodSeconds!;
    const pod = { spec: { nodeName: 'n', terminationGracePeriodSeconds: 20 }, status: { phase: 'Running' } };
    expect(grace(pod, undefined)).toBe(20);
    expect(grace(pod, 5)).toBe(5);
    expect(grace(pod, 0)).toBe(0);
    expect(grace({ ...pod, spec: {} }, undefined)).toBe(0);
    expect(grace({ ...pod, status: { phase: 'Succeeded' } }, 30)).toBe(0);
  });
});

describe('workloads', () => {
  const spec = {
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers } },
  };

  it('defaults a deployment and its template, without what only pods get', () => {
    const deployment = created('Deployment', { metadata: { name: 'd' }, spec, status: { replicas: 9 } });
    expect(deployment.spec).toMatchObject({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
    });
    expect(deployment.spec.template.spec.containers[0].imagePullPolicy).toBe('Always');
    expect(deployment.spec.template.spec).not.toHaveProperty('enableServiceLinks');
    expect(deployment.spec.template.spec).not.toHaveProperty('tolerations');
    expect(deployment.status).toEqual({});
  });

  it('leaves rollingUpdate out under Recreate', () => {
    expect(created('Deployment', { spec: { ...spec, strategy: { type: 'Recreate' } } }).spec.strategy).toEqual({
      type: 'Recreate',
    });
  });

  it('counts a generation when the spec changes and only then', () => {
    const old = created('Deployment', { metadata: { name: 'd' }, spec });
    expect(updated('Deployment', old, (draft) => (draft.metadata.labels = { x: 'y' })).metadata.generation).toBe(1);
    const scaled = updated('Deployment', old, (draft) => {
      draft.spec.replicas = 4;
      draft.status = { replicas: 4 };
    });
    expect(scaled.metadata.generation).toBe(2);
    expect(scaled.status).toEqual(old.status);
  });

  it('takes only the status of a status update', () => {
    const old = created('Deployment', { metadata: { name: 'd', labels: { a: 'b' }, resourceVersion: '5' }, spec });
    const draft = structuredClone(old);
    Object.assign(draft, { spec: { replicas: 7 }, status: { replicas: 3 } });
    draft.metadata.labels = { c: 'd' };
    kindOf('Deployment').prepareForStatusUpdate!(draft, old, undefined as never);
    expect(draft).toEqual({ ...old, status: { replicas: 3 } });
  });

  it('labels a replica set like its template', () => {
    expect(created('ReplicaSet', { metadata: { name: 'r' }, spec }).metadata.labels).toEqual({ a: 'b' });
  });
});

describe('other kinds', () => {
  it('defaults services', () => {
    expect(created('Service', { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } }).spec).toEqual({
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    });
  });

  it("keeps a service's address and node ports when an update leaves them out", () => {
    const old = created('Service', {
      metadata: { name: 's' },
      spec: { type: 'NodePort', clusterIP: '10.96.0.7', ports: [{ port: 80, nodePort: 30080 }] },
    });
    const spec = updated('Service', old, (draft) => (draft.spec = { type: 'NodePort', ports: [{ port: 80 }] })).spec;
    expect(spec).toMatchObject({ clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'] });
    expect(spec.ports[0].nodePort).toBe(30080);
    const inside = updated('Service', old, (draft) => (draft.spec.type = 'ClusterIP')).spec;
    expect(inside.ports[0]).not.toHaveProperty('nodePort');
  });

  it('turns stringData into data', () => {
    expect(created('Secret', { stringData: { a: 'ü' }, data: { b: 'Yg==' } })).toMatchObject({
      type: 'Opaque',
      data: { a: 'w7w=', b: 'Yg==' },
    });
  });

  it('gives a namespace its finalizer, label and phase', () => {
    expect(created('Namespace', { metadata: { name: 'team' } })).toEqual({
      metadata: { name: 'team', labels: { 'kubernetes.io/metadata.name': 'team' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
  });

  it('keeps the status a node registers with', () => {
    const status = { capacity: { cpu: '2' } };
    expect(created('Node', { metadata: { name: 'n' }, status }).status).toEqual({
      ...status,
      allocatable: { cpu: '2' },
    });
  });
});
