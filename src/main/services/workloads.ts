import type { ParamsOf, Revision } from '@shared/bridge/contract';
import type { ControllerRevision, Deployment, KubeList, KubeObject, PodTemplateSpec, ReplicaSet } from '@shared/k8s';
import type { KubeTransport } from '../cluster/client/transport';
import type { Clock } from '../cluster/clock';
import { timestamp } from '../cluster/clock';
import { ServiceError } from './errors';
import { collectionPath, objectPath, type ObjectAddress } from './resources';
import type { Methods } from './types';
import { yamlText } from './yaml-text';

const REVISION = 'deployment.kubernetes.io/revision';
const CHANGE_CAUSE = 'kubernetes.io/change-cause';
/** Annotations of a ReplicaSet that are its own and do not go back to the Deployment. */
const OWN_ANNOTATIONS = [
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  'deployment.kubernetes.io/revision-history',
  'deployment.kubernetes.io/desired-replicas',
  'deployment.kubernetes.io/max-replicas',
  'deprecated.deployment.rollback.to',
];

const merge = 'application/merge-patch+json';

/** One revision with what a rollback to it needs. */
interface History {
  revision: Revision;
  template: PodTemplateSpec;
  annotations: Record<string, string>;
  /** Of a ControllerRevision: the patch it stores. */
  patch?: unknown;
}

const imagesOf = (template: PodTemplateSpec): string[] =>
  (template.spec?.containers ?? []).map((one) => one.image ?? '');

/** The template without the label that makes a ReplicaSet's pods its own. */
function plainTemplate(template: PodTemplateSpec): PodTemplateSpec {
  const copy = structuredClone(template);
  if (copy.metadata?.labels) delete copy.metadata.labels['pod-template-hash'];
  if (copy.metadata && 'creationTimestamp' in copy.metadata && !copy.metadata.creationTimestamp) {
    delete copy.metadata.creationTimestamp;
  }
  return copy;
}

const ownedBy = (object: KubeObject, owner: KubeObject): boolean =>
  (object.metadata?.ownerReferences ?? []).some(
    (reference) => reference.controller && reference.uid === owner.metadata?.uid,
  );

/** A label selector in the form of a query parameter. */
function selectorText(selector: Deployment['spec'] extends { selector: infer S } | undefined ? S : never): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
  });
  return [...labels, ...expressions].join(',');
}

/** Scaling, rolling out and rolling back. */
export function workloadMethods(options: { transportFor: (cluster: string) => KubeTransport; clock: Clock }) {
  const { transportFor, clock } = options;

  const get = async (address: ObjectAddress, signal: AbortSignal): Promise<KubeObject> => {
    const request = { method: 'GET', path: objectPath(address), signal } as const;
    return (await transportFor(address.cluster).request<KubeObject>(request)).body;
  };
  const patch = async (
    address: ObjectAddress,
    body: unknown,
    contentType: string,
    signal: AbortSignal,
    dryRun = false,
  ) => {
    const query = dryRun ? { dryRun: 'All' } : {};
    const request = { method: 'PATCH', path: objectPath(address), contentType, body, query, signal } as const;
    return (await transportFor(address.cluster).request<KubeObject>(request)).body;
  };
  const listOwned = async <T extends KubeObject>(
    address: ObjectAddress,
    plural: string,
    owner: KubeObject,
    signal: AbortSignal,
  ) => {
    const path = collectionPath({ group: 'apps', version: 'v1', plural }, address.namespace);
    const query = { labelSelector: selectorText(owner.spec?.selector) };
    const request = { method: 'GET', path, query, signal } as const;
    const { body } = await transportFor(address.cluster).request<KubeList<T>>(request);
    return body.items.filter((item) => ownedBy(item, owner));
  };

  const fromReplicaSet = (owner: KubeObject, set: ReplicaSet): History => {
    const annotations = set.metadata.annotations ?? {};
    const template = plainTemplate(set.spec?.template ?? {});
    return {
      template,
      annotations,
      revision: {
        revision: Number(annotations[REVISION] ?? 0),
        name: set.metadata.name,
        images: imagesOf(template),
        ...(annotations[CHANGE_CAUSE] ? { changeCause: annotations[CHANGE_CAUSE] } : {}),
        createdAt: set.metadata.creationTimestamp,
        replicas: set.status?.replicas ?? 0,
        current: annotations[REVISION] === owner.metadata?.annotations?.[REVISION],
        template: yamlText(template),
      },
    };
  };

  const fromControllerRevision = (owner: KubeObject, one: ControllerRevision, newest: number): History => {
    const annotations = one.metadata.annotations ?? {};
    const { $patch: _, ...stored } = (one.data as { spec?: { template?: any } } | undefined)?.spec?.template ?? {};
    const template = plainTemplate(stored);
    const { status = {} } = owner;
    let replicas = 0;
    if (one.metadata.name === status.updateRevision) replicas = status.updatedReplicas ?? 0;
    else if (one.metadata.name === status.currentRevision) replicas = status.currentReplicas ?? 0;
    else if (one.revision === newest) replicas = status.updatedNumberScheduled ?? 0;
    return {
      template,
      annotations,
      patch: one.data,
      revision: {
        revision: one.revision,
        name: one.metadata.name,
        images: imagesOf(template),
        ...(annotations[CHANGE_CAUSE] ? { changeCause: annotations[CHANGE_CAUSE] } : {}),
        createdAt: one.metadata.creationTimestamp,
        replicas,
        current: one.revision === newest,
        template: yamlText(template),
      },
    };
  };

  /** Newest first. */
  const history = async (address: ObjectAddress, owner: KubeObject, signal: AbortSignal): Promise<History[]> => {
    let found: History[];
    if (address.resource.plural === 'deployments') {
      const sets = await listOwned<ReplicaSet>(address, 'replicasets', owner, signal);
      found = sets.map((set) => fromReplicaSet(owner, set)).filter((one) => one.revision.revision > 0);
    } else {
      const revisions = await listOwned<ControllerRevision>(address, 'controllerrevisions', owner, signal);
      const newest = Math.max(0, ...revisions.map((one) => one.revision));
      found = revisions.map((one) => fromControllerRevision(owner, one, newest));
    }
    return found.sort((a, b) => b.revision.revision - a.revision.revision);
  };

  const rollback = async (params: ParamsOf<'workload.rollback'>, signal: AbortSignal) => {
    const owner = await get(params, signal);
    const object = `${params.resource.plural}.${params.resource.group} "${params.name}"`;
    if (owner.spec?.paused) {
      throw new ServiceError('Paused', 'A paused rollout cannot be rolled back.', { object, hint: 'Resume it first.' });
    }
    const target = (await history(params, owner, signal)).find((one) => one.revision.revision === params.revision);
    if (!target) {
      throw new ServiceError('NotFound', `Unable to find revision ${params.revision} in the history.`, {
        object,
        hint: 'It may have been removed by revisionHistoryLimit. Choose another.',
      });
    }
    if (target.patch !== undefined) {
      return patch(params, target.patch, 'application/strategic-merge-patch+json', signal, params.dryRun);
    }
    const kept = Object.entries(owner.metadata?.annotations ?? {}).filter(([key]) => OWN_ANNOTATIONS.includes(key));
    const restored = Object.entries(target.annotations).filter(([key]) => !OWN_ANNOTATIONS.includes(key));
    const operations = [
      { op: 'replace', path: '/spec/template', value: target.template },
      { op: 'add', path: '/metadata/annotations', value: Object.fromEntries([...kept, ...restored]) },
    ];
    return patch(params, operations, 'application/json-patch+json', signal, params.dryRun);
  };

  return {
    async 'workload.scale'(params, { signal }) {
      const { body } = await transportFor(params.cluster).request({
        method: 'PATCH',
        path: objectPath(params, 'scale'),
        contentType: merge,
        body: { spec: { replicas: params.replicas } },
        signal,
      });
      return { replicas: body.spec?.replicas ?? params.replicas };
    },

    async 'workload.restart'(params, { signal }) {
      const owner = await get(params, signal);
      if (owner.spec?.paused) {
        const object = `${params.resource.plural}.${params.resource.group} "${params.name}"`;
        throw new ServiceError('Paused', 'A paused rollout cannot be restarted.', { object, hint: 'Resume it first.' });
      }
      const annotations = { 'kubectl.kubernetes.io/restartedAt': timestamp(clock.now()) };
      await patch(params, { spec: { template: { metadata: { annotations } } } }, merge, signal);
    },

    async 'workload.pause'(params, { signal }) {
      await patch(params, { spec: { paused: params.paused || null } }, merge, signal);
    },

    async 'workload.suspend'(params, { signal }) {
      await patch(params, { spec: { suspend: params.suspended } }, merge, signal);
    },

    async 'cronjob.trigger'({ cluster, namespace, name }, { signal }) {
      const batch = (plural: string) => ({ group: 'batch', version: 'v1', plural });
      const cronJob = await get({ cluster, resource: batch('cronjobs'), namespace, name }, signal);
      const { metadata, spec } = cronJob.spec.jobTemplate;
      const body = {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: {
          generateName: `${name}-manual-`,
          labels: metadata?.labels,
          annotations: { ...metadata?.annotations, 'cronjob.kubernetes.io/instantiate': 'manual' },
          // Without blockOwnerDeletion, which would need rights on the CronJob's finalizers.
          ownerReferences: [
            { apiVersion: 'batch/v1', kind: 'CronJob', name, uid: cronJob.metadata?.uid, controller: true },
          ],
        },
        spec,
      };
      const path = collectionPath(batch('jobs'), namespace);
      const { body: job } = await transportFor(cluster).request<KubeObject>({ method: 'POST', path, body, signal });
      return { name: job.metadata?.name ?? '' };
    },

    async 'workload.revisions'(params, { signal }) {
      const owner = await get(params, signal);
      return (await history(params, owner, signal)).map((one) => one.revision);
    },

    async 'workload.rollback'(params, { signal }) {
      const after = await rollback(params, signal);
      return { revision: params.revision, template: yamlText(after.spec?.template ?? {}) };
    },
  } satisfies Partial<Methods>;
}
