import type { Deployment, KubeObject, Pod, ReplicaSet } from '@shared/k8s';
import { formatSelector } from '@shared/selectors';
import { listAll } from '../resources';
import { plainTemplate, replicaSetsOf, type Workload } from '../rollouts/history';
import { eventLines } from './events';
import { longTime, type Lines } from './lines';
import { podTemplateLines } from './pod-template';
import type { Describe, DescribeCall } from './types';
import { isDeepStrictEqual } from 'node:util';

const names = (sets: readonly KubeObject[]): string =>
  sets.length > 0
    ? sets
        .map(
          (set) => `${set.metadata?.name} (${set.status?.replicas ?? 0}/${set.spec?.replicas ?? 0} replicas created)`,
        )
        .join(', ')
    : '<none>';

function conditionLines(
  lines: Lines,
  conditions: readonly { type: string; status: string; reason?: string }[] | undefined,
): void {
  if (!conditions?.length) return;
  lines.add(0, 'Conditions:\n  Type\tStatus\tReason');
  lines.add(1, '----\t------\t------');
  for (const condition of conditions)
    lines.add(1, `${condition.type} \t${condition.status}\t${condition.reason ?? ''}`);
}

export const describeDeployment: Describe<Deployment> = async ({ lines, object, events, session, now, showEvents }) => {
  const { metadata, spec, status } = object;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  lines.add(0, `CreationTimestamp:\t${longTime(metadata.creationTimestamp)}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  lines.add(0, `Selector:\t${formatSelector(spec!.selector)}`);
  lines.add(
    0,
    `Replicas:\t${spec!.replicas ?? 1} desired | ${status?.updatedReplicas ?? 0} updated | ${status?.replicas ?? 0} total | ${status?.availableReplicas ?? 0} available | ${status?.unavailableReplicas ?? 0} unavailable`,
  );
  lines.add(0, `StrategyType:\t${spec!.strategy?.type ?? ''}`);
  lines.add(0, `MinReadySeconds:\t${spec!.minReadySeconds ?? 0}`);
  const rolling = spec!.strategy?.rollingUpdate;
  if (rolling) {
    lines.add(0, `RollingUpdateStrategy:\t${rolling.maxUnavailable} max unavailable, ${rolling.maxSurge} max surge`);
  }
  podTemplateLines(lines, spec!.template);
  conditionLines(lines, status?.conditions);
  const sets = await replicaSetsOf(session, await session.discovery(), object as Workload);
  const template = plainTemplate(spec!.template);
  const current = sets.find((set) => isDeepStrictEqual(plainTemplate(set.spec.template), template));
  const old = sets
    .filter((set) => set !== current)
    .sort((a, b) => ((a.metadata?.creationTimestamp ?? '') < (b.metadata?.creationTimestamp ?? '') ? -1 : 1));
  lines.add(0, `OldReplicaSets:\t${names(old)}`);
  lines.add(0, `NewReplicaSet:\t${names(current ? [current] : [])}`);
  if (showEvents) eventLines(lines, events, now);
};

async function podCounts(call: DescribeCall, selector: string): Promise<string> {
  const { session, object } = call;
  const list = await listAll(session, (await session.discovery()).resolve('pods'), object.metadata?.namespace, {
    labelSelector: selector,
  });
  const pods = (list.items as Pod[]).filter((pod) =>
    pod.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === object.metadata?.uid),
  );
  const count = (phase: string): number => pods.filter((pod) => pod.status?.phase === phase).length;
  return `${count('Running')} Running / ${count('Pending')} Waiting / ${count('Succeeded')} Succeeded / ${count('Failed')} Failed`;
}

export const describeReplicaSet: Describe<ReplicaSet> = async (call) => {
  const { lines, object, events, now, showEvents } = call;
  const { metadata, spec, status } = object;
  const selector = formatSelector(spec!.selector);
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  lines.add(0, `Selector:\t${selector}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  const owner = metadata.ownerReferences?.find((reference) => reference.controller);
  if (owner) lines.add(0, `Controlled By:\t${owner.kind}/${owner.name}`);
  lines.add(0, `Replicas:\t${status?.replicas ?? 0} current / ${spec!.replicas ?? 1} desired`);
  lines.add(0, `Pods Status:\t${await podCounts(call, selector)}`);
  podTemplateLines(lines, spec!.template!);
  conditionLines(lines, status?.conditions);
  if (showEvents) eventLines(lines, events, now);
};

export const describeDaemonSet: Describe = async (call) => {
  const { lines, object, events, now, showEvents } = call;
  const { metadata, spec, status } = object;
  const selector = formatSelector(spec.selector);
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  lines.add(0, `Selector:\t${selector}`);
  lines.map(0, 'Node-Selector', spec.template?.spec?.nodeSelector);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  lines.add(0, `Desired Number of Nodes Scheduled: ${status?.desiredNumberScheduled ?? 0}`);
  lines.add(0, `Current Number of Nodes Scheduled: ${status?.currentNumberScheduled ?? 0}`);
  lines.add(0, `Number of Nodes Scheduled with Up-to-date Pods: ${status?.updatedNumberScheduled ?? 0}`);
  lines.add(0, `Number of Nodes Scheduled with Available Pods: ${status?.numberAvailable ?? 0}`);
  lines.add(0, `Number of Nodes Misscheduled: ${status?.numberMisscheduled ?? 0}`);
  lines.add(0, `Pods Status:\t${await podCounts(call, selector)}`);
  podTemplateLines(lines, spec.template);
  if (showEvents) eventLines(lines, events, now);
};

export const describeStatefulSet: Describe = async (call) => {
  const { lines, object, events, now, showEvents } = call;
  const { metadata, spec, status } = object;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  lines.add(0, `CreationTimestamp:\t${longTime(metadata.creationTimestamp)}`);
  lines.add(0, `Selector:\t${formatSelector(spec.selector)}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  lines.add(0, `Replicas:\t${spec.replicas ?? 1} desired | ${status?.replicas ?? 0} total`);
  lines.add(0, `Update Strategy:\t${spec.updateStrategy?.type ?? ''}`);
  if (spec.updateStrategy?.rollingUpdate?.partition !== undefined)
    lines.add(1, `Partition:\t${spec.updateStrategy.rollingUpdate.partition}`);
  lines.add(0, `Pods Status:\t${await podCounts(call, formatSelector(spec.selector))}`);
  podTemplateLines(lines, spec.template);
  if (showEvents) eventLines(lines, events, now);
};
