import type { Pod } from '@shared/k8s';
import type { Describe } from './types';
import { eventLines } from './events';
import { longTime } from './lines';
import { containersLines, placementLines, topologyLines } from './pod-template';
import { volumeLines } from './volumes';

/** `Running`, `Terminating (lasts 5s)` … is the phase; a pod that is going says since when. */
export const describePod: Describe<Pod> = ({ lines, object: pod, events, age, now, showEvents }) => {
  const { metadata, spec, status } = pod;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  if (spec!.priority !== undefined) lines.add(0, `Priority:\t${spec!.priority}`);
  if (spec!.priorityClassName) lines.add(0, `Priority Class Name:\t${spec!.priorityClassName}`);
  if (spec!.runtimeClassName) lines.add(0, `Runtime Class Name:\t${spec!.runtimeClassName}`);
  if (spec!.serviceAccountName) lines.add(0, `Service Account:\t${spec!.serviceAccountName}`);
  lines.add(0, `Node:\t${spec!.nodeName ? `${spec!.nodeName}/${status?.hostIP ?? ''}` : '<none>'}`);
  if (status?.startTime) lines.add(0, `Start Time:\t${longTime(status.startTime)}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  if (metadata.deletionTimestamp) {
    lines.add(0, `Status:\tTerminating (lasts ${age(metadata.deletionTimestamp)})`);
    lines.add(0, `Termination Grace Period:\t${metadata.deletionGracePeriodSeconds}s`);
  } else lines.add(0, `Status:\t${status?.phase ?? ''}`);
  if (status?.reason) lines.add(0, `Reason:\t${status.reason}`);
  if (status?.message) lines.add(0, `Message:\t${status.message}`);
  lines.add(0, `IP:\t${status?.podIP ?? ''}`);
  if (status?.podIPs?.length) {
    lines.add(0, 'IPs:');
    for (const { ip } of status.podIPs) lines.add(1, `IP:\t${ip}`);
  } else lines.add(0, 'IPs:\t<none>');
  const owner = metadata.ownerReferences?.find((reference) => reference.controller);
  if (owner) lines.add(0, `Controlled By:\t${owner.kind}/${owner.name}`);
  if (status?.nominatedNodeName) lines.add(0, `NominatedNodeName:\t${status.nominatedNodeName}`);
  if (spec!.initContainers?.length)
    containersLines(lines, 0, 'Init Containers', spec!.initContainers, status?.initContainerStatuses, pod);
  containersLines(lines, 0, 'Containers', spec!.containers, status?.containerStatuses, pod);
  if (status?.conditions?.length) {
    lines.add(0, 'Conditions:\n  Type\tStatus');
    for (const condition of status.conditions) lines.add(1, `${condition.type} \t${condition.status} `);
  }
  volumeLines(lines, 0, spec!.volumes);
  if (status?.qosClass) lines.add(0, `QoS Class:\t${status.qosClass}`);
  placementLines(lines, 0, spec!);
  if (spec!.topologySpreadConstraints?.length) topologyLines(lines, 0, spec!);
  if (showEvents) eventLines(lines, events, now);
};
