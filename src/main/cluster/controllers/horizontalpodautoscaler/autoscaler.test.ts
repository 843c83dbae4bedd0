import type { HorizontalPodAutoscaler, Pod } from '@shared/k8s';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deploymentManifest, startTestbed, type Testbed } from '../../../../../test/support/testbed';
import type { UsageSample } from '../../apiserver/node-connection';
import { resources } from '../../client/resources';
import { timestamp } from '../../clock';

const sync = 15_000;
let bed: Testbed;
/** Millicores each pod uses; undefined: it has no sample. */
let usage: (pod: string) => number | undefined;
let memory = 0;
beforeEach(async () => {
  usage = () => 0;
  memory = 64 * 2 ** 20;
  const pod = (_: string, name: string): Record<string, UsageSample> | undefined => {
    const millis = usage(name);
    if (millis === undefined) return undefined;
    const sample = { time: bed.clock.now(), windowMs: 10_000, cpuNanocores: millis * 1e6, memoryBytes: memory };
    return { web: sample };
  };
  bed = await startTestbed({}, { metrics: { pod, node: () => undefined } });
});
afterEach(() => bed.stop());

/** Plays the kubelet: pods that run and were ready from long ago, so that every sample counts. */
const play = (ready: (pod: Pod) => boolean = () => true) =>
  bed.informers.informer(resources.pods).on({
    add: (pod) => {
      const then = timestamp(bed.clock.now() - 600_000);
      const conditions = [{ type: 'Ready', status: ready(pod) ? 'True' : 'False', lastTransitionTime: then }];
      const status = { phase: 'Running', startTime: then, podIP: '10.0.0.1', conditions };
      void bed.client.updateStatus(resources.pods, { ...pod, status }).catch(() => {});
    },
    update: ({ metadata: { namespace, name, deletionTimestamp } }) => {
      if (!deletionTimestamp) return;
      void bed.client.delete(resources.pods, namespace, name, { gracePeriodSeconds: 0 }).catch(() => {});
    },
  });

const template = (requests: object | undefined, app = 'web') => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'web', image: 'web:1', ...(requests ? { resources: { requests } } : {}) }] },
});
const deploy = async (replicas: number, requests: object | undefined = { cpu: '100m', memory: '64Mi' }) => {
  await bed.client.create(
    resources.deployments,
    deploymentManifest('web', replicas, 'web:1', { template: template(requests) }),
  );
  await bed.settle();
};
const cpu = (averageUtilization: number) => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});
const autoscale = async (spec: object = {}, name = 'web') => {
  await bed.client.create<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, {
    metadata: { name, namespace: 'default' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [cpu(50)],
      ...spec,
    },
  });
  await bed.settle();
};
const get = (name = 'web') => bed.client.get(resources.horizontalPodAutoscalers, 'default', name);
const replicas = async () => (await bed.client.get(resources.deployments, 'default', 'web')).spec!.replicas;
const conditions = async (name = 'web') =>
  Object.fromEntries(
    (await get(name)).status!.conditions!.map(({ type, status, reason, message }) => [
      type,
      `${status} ${reason}: ${message}`,
    ]),
  );

describe('an autoscaler', () => {
  it('multiplies by what is used over what is meant to be', async () => {
    play();
    await deploy(2);
    usage = () => 80;
    await autoscale();
    expect(await replicas()).toBe(4);
    const { status } = await get();
    expect(status).toMatchObject({
      currentReplicas: 2,
      desiredReplicas: 4,
      lastScaleTime: timestamp(bed.clock.now()),
      currentMetrics: [
        { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 80, averageValue: '80m' } } },
      ],
    });
    expect(await conditions()).toEqual({
      AbleToScale: 'True SucceededRescale: the HPA controller was able to update the target scale to 4',
      ScalingActive:
        'True ValidMetricFound: the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)',
      ScalingLimited: 'False DesiredWithinRange: the desired count is within the acceptable range',
    });
    expect(await bed.events('web')).toContain(
      'SuccessfulRescale: New size: 4; reason: cpu resource utilization (percentage of request) above target',
    );
    expect(bed.problems).toEqual([]);
  });

  it.each([
    [55, 2],
    [51, 2],
    [45, 2],
    [56, 3],
  ])('leaves small differences alone: of %i percent against 50, 2 pods become %i', async (used, wanted) => {
    play();
    await deploy(2);
    usage = () => used;
    await autoscale();
    expect(await replicas()).toBe(wanted);
  });

  it('looks every sync period and again when it is changed', async () => {
    play();
    await deploy(1);
    usage = () => 50;
    await autoscale();
    usage = () => 100;
    await bed.advance(sync - 1);
    expect(await replicas()).toBe(1);
    await bed.advance(1);
    expect(await replicas()).toBe(2);
    await bed.edit<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, 'web', (draft) => {
      draft.spec!.minReplicas = 5;
    });
    await bed.settle();
    expect(await replicas()).toBe(5);
    expect(await bed.events('web')).toContain(
      'SuccessfulRescale: New size: 5; reason: Current number of replicas below Spec.MinReplicas',
    );
  });

  it('keeps within its bounds and says so', async () => {
    play();
    await deploy(4);
    usage = () => 500;
    await autoscale({ maxReplicas: 6 });
    expect(await replicas()).toBe(6);
    expect((await conditions()).ScalingLimited).toBe(
      'True TooManyReplicas: the desired replica count is more than the maximum replica count',
    );
    await bed.edit<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, 'web', (draft) => {
      draft.spec!.maxReplicas = 3;
    });
    await bed.settle();
    expect(await replicas()).toBe(3);
    expect(await bed.events('web')).toContain(
      'SuccessfulRescale: New size: 3; reason: Current number of replicas above Spec.MaxReplicas',
    );
  });

  it('at most doubles at a time, from less than four to four', async () => {
    play();
    await deploy(1);
    usage = () => 1000;
    await autoscale({ maxReplicas: 20 });
    expect(await replicas()).toBe(4);
    expect((await conditions()).ScalingLimited).toBe(
      'True ScaleUpLimit: the desired replica count is increasing faster than the maximum scale rate',
    );
    await bed.advance(sync);
    expect(await replicas()).toBe(8);
  });

  it('scales down when five minutes have asked for it', async () => {
    play();
    await deploy(2);
    usage = () => 100;
    await autoscale();
    expect(await replicas()).toBe(4);
    usage = () => 5;
    await bed.advance(sync);
    expect(await replicas()).toBe(4);
    expect((await conditions()).AbleToScale).toBe(
      'True ScaleDownStabilized: recent recommendations were higher than current one, applying the highest recent recommendation',
    );
    await bed.advance(300_000 - sync - 1);
    expect(await replicas()).toBe(4);
    await bed.advance(sync);
    expect(await replicas()).toBe(1);
    expect(await bed.events('web')).toContain('SuccessfulRescale: New size: 1; reason: All metrics below target');
    expect((await conditions()).AbleToScale).toContain('SucceededRescale');
  });

  it('follows its own behavior', async () => {
    play();
    await deploy(4);
    usage = () => 1;
    const policies = [{ type: 'Pods', value: 1, periodSeconds: 60 }];
    const scaleDown = { stabilizationWindowSeconds: 0, policies };
    await autoscale({ behavior: { scaleDown, scaleUp: { selectPolicy: 'Disabled' } } });
    expect(await replicas()).toBe(3);
    expect((await conditions()).ScalingLimited).toBe(
      'True ScaleDownLimit: the desired replica count is decreasing faster than the maximum scale rate',
    );
    await bed.advance(45_000);
    expect(await replicas()).toBe(3);
    await bed.advance(15_000);
    expect(await replicas()).toBe(2);
    usage = () => 500;
    await bed.advance(120_000);
    expect(await replicas()).toBe(2);
  });

  it('takes the tolerance it is given', async () => {
    play();
    await deploy(10);
    usage = () => 53;
    await autoscale({ maxReplicas: 20, behavior: { scaleUp: { tolerance: '0.05' } } });
    expect(await replicas()).toBe(11);
  });

  it('does the most that any of its metrics asks for', async () => {
    play();
    await deploy(2);
    usage = () => 50;
    memory = 96 * 2 ** 20;
    const target = { type: 'AverageValue', averageValue: '32Mi' };
    await autoscale({ metrics: [cpu(50), { type: 'Resource', resource: { name: 'memory', target } }] });
    expect(await replicas()).toBe(4);
    await bed.advance(sync);
    expect(await replicas()).toBe(8);
    expect((await get()).status!.currentMetrics![1]!.resource!.current).toEqual({ averageValue: '100663296' });
    expect(await bed.events('web')).toContain('SuccessfulRescale: New size: 4; reason: memory resource above target');
  });

  it('measures one container where it is told which', async () => {
    play();
    await deploy(1);
    usage = () => 100;
    const target = { type: 'Utilization', averageUtilization: 50 };
    const metric = (container: string) => ({
      type: 'ContainerResource',
      containerResource: { name: 'cpu', container, target },
    });
    await autoscale({ metrics: [metric('web')] });
    expect(await replicas()).toBe(2);
    await autoscale({ metrics: [metric('other')], scaleTargetRef: { kind: 'Nothing', name: 'x' } }, 'none');
    expect((await conditions('none')).AbleToScale).toBe(
      `False FailedGetScale: the HPA controller was unable to get the target's current scale: no matches for kind "Nothing" in group ""`,
    );
  });

  it('rests while its target has no replicas', async () => {
    play();
    await deploy(0);
    await autoscale();
    expect((await conditions()).ScalingActive).toBe(
      'False ScalingDisabled: scaling is disabled since the replica count of the target is zero',
    );
    expect(await replicas()).toBe(0);
  });
});

describe('what an autoscaler cannot do', () => {
  it('needs requests, and says whose are missing', async () => {
    play();
    await deploy(1, { memory: '1Mi' });
    usage = () => 100;
    await autoscale();
    const [pod] = (await bed.client.list(resources.pods, 'default')).items;
    const said = `failed to get cpu utilization: missing request for cpu in container web of Pod ${pod!.metadata.name}`;
    expect((await conditions()).ScalingActive).toBe(
      `False FailedGetResourceMetric: the HPA was unable to compute the replica count: ${said}`,
    );
    const events = await bed.events('web');
    expect(events).toContain(`FailedGetResourceMetric: ${said}`);
    expect(events).toContain(
      `FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${said}`,
    );
    expect((await get()).status).toMatchObject({ currentReplicas: 1, currentMetrics: [{ type: '' }] });
    await bed.advance(sync);
    expect(
      (await bed.client.list(resources.events)).items.find(({ reason }) => reason === 'FailedGetResourceMetric'),
    ).toMatchObject({ count: 2 });
    expect(bed.problems).toEqual([]);
  });

  it('is heard when it acts, however long it complained', async () => {
    play();
    await deploy(1);
    usage = () => undefined;
    await autoscale();
    await bed.advance(30 * sync);
    usage = () => 100;
    await bed.advance(sync);
    expect((await bed.events('web')).join()).toContain('SuccessfulRescale: New size: 2');
  });

  it('waits for samples', async () => {
    play();
    await deploy(1);
    usage = () => undefined;
    await autoscale();
    expect((await conditions()).ScalingActive).toBe(
      'False FailedGetResourceMetric: the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API',
    );
    usage = () => 100;
    await bed.advance(sync);
    expect(await replicas()).toBe(2);
  });

  it('says that its target is not there', async () => {
    await autoscale();
    expect((await conditions()).AbleToScale).toBe(
      `False FailedGetScale: the HPA controller was unable to get the target's current scale: deployments.apps "web" not found`,
    );
    expect(await bed.events('web')).toEqual(['FailedGetScale: deployments.apps "web" not found']);
    await deploy(3);
    await bed.advance(sync);
    expect((await conditions()).AbleToScale).toMatch(/^True SucceededGetScale/);
  });

  it('does not share pods with another', async () => {
    play();
    await deploy(1);
    usage = () => 500;
    await autoscale({ maxReplicas: 2 });
    await autoscale({}, 'second');
    const message = 'pods by selector app=web are controlled by multiple HPAs: [default/second default/web]';
    expect((await conditions('second')).ScalingActive).toBe(`False AmbiguousSelector: ${message}`);
    await bed.advance(sync);
    expect((await conditions()).ScalingActive).toBe(`False AmbiguousSelector: ${message}`);
    await bed.client.delete(resources.horizontalPodAutoscalers, 'default', 'second');
    await bed.advance(sync);
    expect((await conditions()).ScalingActive).toMatch(/^True/);
  });

  it('shares no pods with one that was deleted while they were asked for', async () => {
    play();
    await deploy(1);
    usage = () => 50;
    let answer!: () => void;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    bed.intercept = ({ path }) => (path.endsWith('/namespaces/default/pods') ? answered : undefined);
    await autoscale({}, 'first');
    await bed.client.delete(resources.horizontalPodAutoscalers, 'default', 'first');
    await bed.settle();
    bed.intercept = undefined;
    answer();
    await bed.settle();
    await autoscale();
    expect((await conditions()).ScalingActive).toMatch(/^True/);
  });

  it('knows no custom and external metrics where nobody serves them', async () => {
    play();
    await deploy(1);
    const average = { type: 'AverageValue', averageValue: '10' };
    await autoscale({ metrics: [{ type: 'Pods', pods: { metric: { name: 'hits' }, target: average } }] });
    expect((await conditions()).ScalingActive).toBe(
      'False FailedGetPodsMetric: the HPA was unable to compute the replica count: unable to get metric hits: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered',
    );
    const external = { metric: { name: 'queue' }, target: average };
    await bed.edit<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, 'web', (draft) => {
      draft.spec!.metrics = [{ type: 'External', external }];
    });
    await bed.settle();
    expect((await conditions()).ScalingActive).toBe(
      'False FailedGetExternalMetric: the HPA was unable to compute the replica count: unable to get external metric default/queue/nil: unable to fetch metrics from external metrics API: the server could not find the requested resource (get queue.external.metrics.k8s.io)',
    );
  });
});

describe('metrics of others', () => {
  const now = () => timestamp(bed.clock.now());
  const customGroup = (...names: string[]) => {
    const versions = names.map((version) => ({ version }));
    return { preferredVersion: versions[0], versions };
  };

  it('are asked for in a version that is known here, the preferred one first', async () => {
    play();
    await deploy(1);
    let served = ['v1beta1', 'v1beta2'];
    const asked: string[] = [];
    bed.answer = ({ path }) => {
      if (path === '/apis/custom.metrics.k8s.io') return customGroup(...served);
      if (!path.endsWith('/hits')) return undefined;
      asked.push(path.split('/')[3]!);
      return 'not a list';
    };
    const pods = { metric: { name: 'hits' }, target: { type: 'AverageValue', averageValue: '10' } };
    await autoscale({ metrics: [{ type: 'Pods', pods }] });
    expect((await conditions()).ScalingActive).toMatch(/^False FailedGetPodsMetric: .* no list of metrics$/);
    served = ['v3', 'v1beta1'];
    await bed.advance(sync);
    expect(new Set(asked)).toEqual(new Set(['v1beta1']));
    served = ['v3', 'v1beta1', 'v1beta2'];
    await bed.advance(sync);
    expect(asked.at(-1)).toBe('v1beta2');
    served = ['v3'];
    await bed.advance(sync);
    expect((await conditions()).ScalingActive).toMatch(/no known available metric versions found$/);
  });

  it('are taken per pod, of an object and of the world', async () => {
    play();
    await deploy(2);
    const asked: string[] = [];
    const values: Record<string, object[]> = {};
    bed.answer = ({ path, query }) => {
      if (path === '/apis/custom.metrics.k8s.io') return customGroup('v1beta2');
      const found = Object.keys(values).find((name) => path.endsWith(name));
      if (!found) return undefined;
      asked.push(`${path} ${JSON.stringify(query)}`);
      return { items: values[found] };
    };
    const pods = (await bed.client.list(resources.pods, 'default')).items;
    values.hits = pods.map(({ metadata: { name } }) => ({ describedObject: { name }, timestamp: now(), value: '15' }));
    values.requests = [{ describedObject: { name: 'web' }, timestamp: now(), value: '900m' }];
    values.queue = [{ value: '7' }, { value: '5' }];
    const metric = { name: 'hits', selector: { matchLabels: { verb: 'GET' } } };
    const described = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'web' };
    await autoscale({
      metrics: [
        { type: 'Pods', pods: { metric, target: { type: 'AverageValue', averageValue: '10' } } },
        {
          type: 'Object',
          object: {
            describedObject: described,
            metric: { name: 'requests' },
            target: { type: 'Value', value: '450m' },
          },
        },
        {
          type: 'External',
          external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '3' } },
        },
      ],
    });
    expect(asked).toEqual([
      '/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods/*/hits {"labelSelector":"app=web","metricLabelSelector":"verb=GET"}',
      '/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/ingresses.networking.k8s.io/web/requests {}',
      '/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queue {}',
    ]);
    expect(await replicas()).toBe(4);
    const { currentMetrics } = (await get()).status!;
    expect(currentMetrics![0]!.pods!.current).toEqual({ averageValue: '15' });
    expect(currentMetrics![1]!.object!.current).toEqual({ value: '900m' });
    expect(currentMetrics![2]!.external!.current).toEqual({ averageValue: '6' });
  });

  it('may bring replicas to none and back', async () => {
    play();
    await deploy(1);
    let queued = '0';
    bed.answer = ({ path }) => (path.endsWith('/queue') ? { items: [{ value: queued }] } : undefined);
    const target = { type: 'AverageValue', averageValue: '5' };
    await autoscale({
      minReplicas: 0,
      metrics: [{ type: 'External', external: { metric: { name: 'queue' }, target } }],
      behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
    });
    expect(await replicas()).toBe(0);
    queued = '12';
    await bed.advance(sync);
    expect(await replicas()).toBe(3);
    await expect(
      bed.client.create(resources.horizontalPodAutoscalers, {
        metadata: { name: 'zero', namespace: 'default' },
        spec: {
          scaleTargetRef: { kind: 'Deployment', name: 'web' },
          minReplicas: 0,
          maxReplicas: 2,
          metrics: [cpu(50)],
        },
      }),
    ).rejects.toThrow('must specify at least one Object or External metric to support scaling to zero replicas');
  });
});

it('scales whatever has a scale', async () => {
  play();
  const template1 = template({ cpu: '100m' });
  await bed.client.create(resources.replicationControllers, {
    metadata: { name: 'old', namespace: 'default' },
    spec: { replicas: 1, selector: { app: 'web' }, template: template1 },
  });
  await bed.client.create(resources.statefulSets, {
    metadata: { name: 'db', namespace: 'default' },
    spec: {
      replicas: 1,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: template({ cpu: '100m' }, 'db'),
    },
  });
  await bed.settle();
  usage = () => 100;
  await autoscale({ scaleTargetRef: { apiVersion: 'v1', kind: 'ReplicationController', name: 'old' } }, 'old');
  await autoscale({ scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' } }, 'db');
  expect((await bed.client.get(resources.replicationControllers, 'default', 'old')).spec!.replicas).toBe(2);
  expect((await bed.client.get(resources.statefulSets, 'default', 'db')).spec!.replicas).toBe(2);
});

it('scales objects of custom kinds', async () => {
  const version = {
    name: 'v1',
    served: true,
    storage: true,
    schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    subresources: {
      status: {},
      scale: {
        specReplicasPath: '.spec.replicas',
        statusReplicasPath: '.status.replicas',
        labelSelectorPath: '.status.selector',
      },
    },
  };
  const request = bed.client.transport.request;
  await request({
    method: 'POST',
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'farms.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'farms', singular: 'farm', kind: 'Farm', listKind: 'FarmList' },
        versions: [version],
      },
    },
  });
  await bed.settle();
  const farms = { group: 'example.com', version: 'v1', plural: 'farms', kind: 'Farm', namespaced: true };
  const farm = await bed.client.create(farms, {
    metadata: { name: 'big', namespace: 'default' },
    spec: { replicas: 2 },
  });
  await bed.client.updateStatus(farms, { ...farm, status: { replicas: 2, selector: 'app=web' } });
  play();
  await deploy(2);
  usage = () => 100;
  await autoscale({ scaleTargetRef: { apiVersion: 'example.com/v1', kind: 'Farm', name: 'big' } });
  expect((await bed.client.get(farms, 'default', 'big')).spec!.replicas).toBe(4);
});
