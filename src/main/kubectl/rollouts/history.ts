import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, LabelSelector, ObjectMeta, PodTemplateSpec } from '@shared/k8s';
import { formatSelector } from '@shared/selectors';
import type { Discovery } from '../discovery';
import { KubectlError, quote } from '../errors';
import { listAll } from '../resources';
import type { Session } from '../session';

/** One revision of a workload's pod template. */
export interface Revision {
  number: number;
  changeCause: string;
  template: PodTemplateSpec;
  /** The ReplicaSet or ControllerRevision that keeps it. */
  source: KubeObject;
}

const revisionAnnotation = 'deployment.kubernetes.io/revision';
const changeCauseAnnotation = 'kubernetes.io/change-cause';
const templateHashLabel = 'pod-template-hash';

export type Workload = KubeObject & { metadata: ObjectMeta };

const owned = (workload: Workload, object: KubeObject): boolean =>
  object.metadata?.ownerReferences?.some((owner) => owner.uid === workload.metadata.uid && owner.controller) ?? false;

/** The template a workload's revisions are compared by: without the label the controller adds. */
export function plainTemplate(template: PodTemplateSpec): PodTemplateSpec {
  const { [templateHashLabel]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** The ReplicaSets of a deployment. */
export async function replicaSetsOf(
  session: Session,
  discovery: Discovery,
  deployment: Workload,
): Promise<KubeObject[]> {
  const list = await listAll(session, discovery.resolve('replicasets.apps'), deployment.metadata.namespace, {
    labelSelector: formatSelector(deployment.spec.selector as LabelSelector),
  });
  return list.items.filter((item) => owned(deployment, item));
}

/** The revision number an object carries. */
export const revisionOf = (object: KubeObject): number =>
  Number(object.metadata?.annotations?.[revisionAnnotation] ?? 0);

/** The revisions of a Deployment, DaemonSet or StatefulSet, oldest first. @throws KubectlError for other kinds */
export async function revisionsOf(session: Session, discovery: Discovery, workload: Workload): Promise<Revision[]> {
  const cause = (object: KubeObject): string => object.metadata?.annotations?.[changeCauseAnnotation] || '<none>';
  let revisions: Revision[];
  if (workload.kind === 'Deployment') {
    revisions = (await replicaSetsOf(session, discovery, workload)).map((source) => ({
      number: revisionOf(source),
      changeCause: cause(source),
      template: source.spec.template,
      source,
    }));
  } else if (workload.kind === 'DaemonSet' || workload.kind === 'StatefulSet') {
    const list = await listAll(session, discovery.resolve('controllerrevisions.apps'), workload.metadata.namespace, {
      labelSelector: formatSelector(workload.spec.selector as LabelSelector),
    });
    revisions = list.items
      .filter((item) => owned(workload, item))
      .map((source) => ({
        number: source.revision as number,
        changeCause: cause(source),
        template: source.data?.spec?.template,
        source,
      }));
  } else throw new KubectlError(`no history viewer has been implemented for ${quote(workload.kind ?? '')}`);
  return revisions.filter((revision) => revision.number > 0).sort((a, b) => a.number - b.number);
}

/** The revision to go back to. @param wanted 0 for the one before the last @throws KubectlError */
export function rollbackTarget(workload: Workload, revisions: readonly Revision[], wanted: number): Revision {
  if (wanted > 0) {
    const found = revisions.find((revision) => revision.number === wanted);
    if (!found) throw new KubectlError(`unable to find specified revision ${wanted} in history`);
    return found;
  }
  const previous = revisions.at(-2);
  if (!previous) {
    throw new KubectlError(
      `no rollout history found for ${(workload.kind ?? '').toLowerCase()} ${quote(workload.metadata.name ?? '')}`,
    );
  }
  return previous;
}

const keptAnnotations = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deployment.kubernetes.io/revision',
  'deployment.kubernetes.io/revision-history',
  'deployment.kubernetes.io/desired-replicas',
  'deployment.kubernetes.io/max-replicas',
  'deprecated.deployment.rollback.to',
]);

/**
 * The JSON patch that puts a deployment back to a revision: its template and the
 * annotations of that time. Undefined when the template is the same already.
 */
export function rollbackPatch(deployment: Workload, revision: Revision): object[] | undefined {
  const template = plainTemplate(revision.template);
  if (isDeepStrictEqual(plainTemplate(deployment.spec.template), template)) return undefined;
  const pick = (annotations: Record<string, string> = {}, kept: boolean): [string, string][] =>
    Object.entries(annotations).filter(([key]) => keptAnnotations.has(key) === kept);
  return [
    { op: 'replace', path: '/spec/template', value: template },
    {
      op: deployment.metadata.annotations ? 'replace' : 'add',
      path: '/metadata/annotations',
      value: Object.fromEntries([
        ...pick(revision.source.metadata?.annotations, false),
        ...pick(deployment.metadata.annotations, true),
      ]),
    },
  ];
}
