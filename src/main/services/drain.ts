import type { ParamsOf } from '@shared/bridge/contract';
import { drainVerdict, type DrainVerdict } from '@shared/drain';
import type { KubeList, KubeObject, Pod } from '@shared/k8s';
import { ApiError } from '../cluster/api/errors';
import type { KubeTransport } from '../cluster/client/transport';
import type { Clock } from '../cluster/clock';
import { pause } from '../informers/flow';
import { errorText, ServiceError } from './errors';
import { collectionPath, objectPath } from './resources';
import type { TaskBoard } from './tasks';
import type { Methods } from './types';

const podResource = { group: '', version: 'v1', plural: 'pods' };
const nodeResource = { group: '', version: 'v1', plural: 'nodes' };

/** How long to wait after a disruption budget said "not now", in ms; kubectl waits as long. */
const RETRY = 5000;
/** How often to look whether an evicted pod is gone, in ms. */
const LOOK = 1000;

const missingOption: Partial<Record<DrainVerdict, string>> = {
  localStorage: 'would lose what it keeps in emptyDir volumes',
  noController: 'has no controller that would start it again',
};
const nameOf = (pod: Pod): string => `${pod.metadata.namespace}/${pod.metadata.name}`;

export interface DrainOptions {
  transportFor: (cluster: string) => KubeTransport;
  tasks: TaskBoard;
  clock: Clock;
}

/** Evicting pods: one, or all of a node. */
export function createDrain(options: DrainOptions) {
  const { transportFor, tasks, clock } = options;

  const evict = async (
    transport: KubeTransport,
    pod: { namespace?: string; name: string },
    gracePeriodSeconds: number | undefined,
    signal: AbortSignal,
  ): Promise<void> => {
    const body = {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: pod.name, namespace: pod.namespace },
      ...(gracePeriodSeconds === undefined ? {} : { deleteOptions: { gracePeriodSeconds } }),
    };
    const path = objectPath({ resource: podResource, ...pod }, 'eviction');
    await transport.request({ method: 'POST', path, body, signal });
  };

  /** Resolves when the pod is gone, or another has its name. */
  const untilGone = async (transport: KubeTransport, pod: Pod, signal: AbortSignal): Promise<void> => {
    const { namespace, name, uid } = pod.metadata;
    const path = objectPath({ resource: podResource, namespace, name });
    while (!signal.aborted) {
      try {
        const { body } = await transport.request<KubeObject>({ method: 'GET', path, signal });
        if (body.metadata?.uid !== uid) return;
      } catch (error) {
        if (error instanceof ApiError && error.code === 404) return;
        throw error;
      }
      await pause(clock, LOOK, signal);
    }
  };

  /** Evicts until the API agrees, telling why it has not yet. */
  const evictPatiently = async (
    transport: KubeTransport,
    pod: Pod,
    gracePeriodSeconds: number | undefined,
    refused: (why: string) => void,
    signal: AbortSignal,
  ): Promise<void> => {
    while (!signal.aborted) {
      try {
        await evict(transport, pod.metadata, gracePeriodSeconds, signal);
        return await untilGone(transport, pod, signal);
      } catch (error) {
        if (!(error instanceof ApiError) || ![404, 429].includes(error.code)) throw error;
        if (error.code === 404) return;
        refused(`${nameOf(pod)}: ${error.message}`);
        await pause(clock, RETRY, signal);
      }
    }
  };

  const cordon = (transport: KubeTransport, name: string, signal: AbortSignal) =>
    transport.request({
      method: 'PATCH',
      path: objectPath({ resource: nodeResource, name }),
      contentType: 'application/merge-patch+json',
      body: { spec: { unschedulable: true } },
      signal,
    });

  const evictPod: Methods['pod.evict'] = async ({ cluster, namespace, name }, { signal }) => {
    try {
      await evict(transportFor(cluster), { namespace, name }, undefined, signal);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 429) throw error;
      throw new ServiceError('TooManyRequests', error.message, {
        object: `pods "${name}"`,
        hint: 'Wait until more of the pods under its disruption budget are ready, or change the budget.',
      });
    }
  };

  /** Begins, as `node.drain` does. `ended` tells, and never throws, whether the node is drained. */
  const begin = async (
    { cluster, name, force, deleteEmptyDirData, gracePeriodSeconds }: ParamsOf<'node.drain'>,
    signal: AbortSignal,
  ): Promise<{ ended: Promise<boolean> }> => {
    const transport = transportFor(cluster);
    await cordon(transport, name, signal);
    const query = { fieldSelector: `spec.nodeName=${name}` };
    const request = { method: 'GET', path: collectionPath(podResource), query, signal } as const;
    const { body } = await transport.request<KubeList<Pod>>(request);
    const judged = body.items.map((pod) => ({ pod, verdict: drainVerdict(pod, { force, deleteEmptyDirData }) }));
    const blocked = judged.flatMap(({ pod, verdict }) =>
      missingOption[verdict] ? [`${nameOf(pod)} ${missingOption[verdict]}`] : [],
    );
    if (blocked.length) {
      throw new ServiceError('Conflict', `The node is cordoned, but not drained: ${blocked.join('; ')}.`, {
        object: `nodes "${name}"`,
        hint: 'Drain it again and allow this, or move the pods yourself.',
      });
    }
    const going = judged.flatMap(({ pod, verdict }) => (verdict === 'evict' ? [pod] : []));

    const stop = new AbortController();
    const task = tasks.start(`Draining node ${name}`, { cancel: () => stop.abort() });
    const refusals = new Map<Pod, string>();
    let gone = 0;
    const tell = () => {
      const count = `${gone} of ${going.length} pods gone`;
      task.progress(going.length ? gone / going.length : 1, [count, ...refusals.values()].join('. '));
    };
    tell();
    const evictions = going.map(async (pod) => {
      const refused = (why: string) => {
        refusals.set(pod, why);
        tell();
      };
      await evictPatiently(transport, pod, gracePeriodSeconds, refused, stop.signal);
      refusals.delete(pod);
      gone += 1;
      tell();
    });
    const ended = Promise.allSettled(evictions).then((results) => {
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) task.fail(errorText(failed.reason));
      else task.done();
      return !failed && !stop.signal.aborted;
    });
    return { ended };
  };

  return { evictPod, begin };
}

export function drainMethods(options: DrainOptions) {
  const { evictPod, begin } = createDrain(options);
  return {
    'pod.evict': evictPod,
    async 'node.drain'(params, { signal }) {
      await begin(params, signal);
    },
  } satisfies Partial<Methods>;
}
