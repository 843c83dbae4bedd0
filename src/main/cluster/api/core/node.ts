import type { Node } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, text, wide } from '../printing';
import { duplicate, forbidden, invalidEach, notSupported, required } from '../validation/field';
import { qualifiedName, validLabelValue } from '../validation/strings';
import { keepAllButStatus, keepStatus } from '../strategy';

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const rolePrefix = 'node-role.kubernetes.io/';

export const node = defineKind<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  singular: 'node',
  shortNames: ['no'],
  namespaced: false,
  status: true,
  subresources: [
    {
      name: 'proxy',
      kind: 'NodeProxyOptions',
      verbs: ['create', 'delete', 'get', 'patch', 'update'],
    },
  ],
  defaults(object) {
    object.spec ??= {};
    if (object.status?.capacity && !object.status.allocatable)
      object.status.allocatable = { ...object.status.capacity };
  },
  // A kubelet registers its node together with its status, so creation keeps it.
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate(object, old) {
    const { labels, annotations } = object.metadata;
    keepAllButStatus(object, old);
    object.metadata.labels = labels;
    object.metadata.annotations = annotations;
  },
  validate(object) {
    const seen = new Set<string>();
    return (object.spec?.taints ?? []).flatMap((taint, index) => {
      const at = `spec.taints[${index}]`;
      const errors = [
        ...invalidEach(`${at}.key`, taint.key, qualifiedName(taint.key)),
        ...invalidEach(`${at}.value`, taint.value, validLabelValue(taint.value ?? '')),
      ];
      if (!taint.effect) errors.push(required(`${at}.effect`));
      else if (!effects.includes(taint.effect)) errors.push(notSupported(`${at}.effect`, taint.effect, effects));
      const identity = `${taint.key}:${taint.effect}`;
      if (seen.has(identity))
        errors.push({ ...duplicate(at, taint), detail: 'taints must be unique by key and effect pair' });
      seen.add(identity);
      return errors;
    });
  },
  validateUpdate(object, old) {
    return (['podCIDR', 'providerID'] as const)
      .filter((field) => old.spec?.[field] && object.spec?.[field] !== old.spec[field])
      .map((field) => {
        const at = field === 'podCIDR' ? 'spec.podCIDRs' : 'spec.providerID';
        return forbidden(at, `node updates may not change ${field} except from "" to valid`);
      });
  },
  columns: [
    text('Status', 'The status of the node', statusOf),
    text('Roles', 'The roles of the node', rolesOf),
    ageColumn,
    text('Version', 'The kubelet version', (object) => object.status?.nodeInfo?.kubeletVersion ?? ''),
    wide('Internal-IP', 'The address inside the cluster', (object) => address(object, 'InternalIP')),
    wide('External-IP', 'The address outside the cluster', (object) => address(object, 'ExternalIP')),
    wide('OS-Image', 'The operating system', (object) => object.status?.nodeInfo?.osImage || '<unknown>'),
    wide('Kernel-Version', 'The kernel version', (object) => object.status?.nodeInfo?.kernelVersion || '<unknown>'),
    wide(
      'Container-Runtime',
      'The container runtime and its version',
      (object) => object.status?.nodeInfo?.containerRuntimeVersion || '<unknown>',
    ),
  ],
  fieldSelectors: { 'spec.unschedulable': (object) => String(object.spec?.unschedulable ?? false) },
});

function statusOf(object: Node): string {
  const ready = object.status?.conditions?.find((condition) => condition.type === 'Ready');
  const words = [ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown'];
  if (object.spec?.unschedulable) words.push('SchedulingDisabled');
  return words.join(',');
}

function rolesOf(object: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(object.metadata.labels ?? {})) {
    if (key.startsWith(rolePrefix) && key.length > rolePrefix.length) roles.add(key.slice(rolePrefix.length));
    else if (key === 'kubernetes.io/role' && value) roles.add(value);
  }
  return [...roles].sort().join(',') || '<none>';
}

const address = (object: Node, type: string): string =>
  object.status?.addresses?.find((candidate) => candidate.type === type)?.address ?? '<none>';
