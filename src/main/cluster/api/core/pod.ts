import { podReady, podRestartsText, podStatusText } from '@shared/pod-status';
import type { Pod, PodSpec } from '@shared/k8s';
import { defineKind } from '../kind';
import { forbidden } from '../validation/field';
import { ageColumn, text, wide } from '../printing';
import { bumpGeneration, keepAllButStatus, keepStatus } from '../strategy';
import { defaultPodSpec } from '../pod/defaults';
import { admitPod, tolerateForAWhile } from '../pod/admission';
import { keepAllButEphemeralContainers, keepAllButResources } from '../pod/parts';
import { qosClass } from '../pod/qos';
import { validatePodSpec } from '../pod/validation';
import { validateEphemeralUpdate } from '../pod/validation/ephemeral';
import { validateResize } from '../pod/validation/resize';
import { validatePodUpdate } from '../pod/validation/update';

/** Of a pod that is not to be scheduled before its gates are taken away. */
const gated = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
};

export const pod = defineKind<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  status: true,
  subresources: [
    { name: 'attach', kind: 'PodAttachOptions', verbs: ['create', 'get'] },
    { name: 'binding', kind: 'Binding', verbs: ['create'] },
    { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
    { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
    { name: 'log', kind: 'Pod', verbs: ['get'] },
    { name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
    { name: 'proxy', kind: 'PodProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
  ],
  defaults(object) {
    defaultPodSpec((object.spec ??= {} as PodSpec), { own: true });
  },
  prepareForCreate(object) {
    object.metadata.generation = 1;
    admitPod(object);
    object.status = { phase: 'Pending', qosClass: qosClass(object.spec!) };
    if (object.spec?.schedulingGates?.length) object.status.conditions = [{ ...gated }];
  },
  prepareForUpdate(object, old) {
    keepStatus(object, old);
    tolerateForAWhile(object);
    bumpGeneration(object, old);
  },
  prepareForStatusUpdate(object, old) {
    keepAllButStatus(object, old);
    // Decided by the spec at creation; nobody may report another.
    if (old.status?.qosClass) object.status = { ...object.status, qosClass: old.status.qosClass };
  },
  partialUpdates: {
    ephemeralcontainers: keepAllButEphemeralContainers,
    resize: keepAllButResources,
  },
  validate: (object) => validatePodSpec(object.spec, 'spec'),
  validateChange: (object, old) =>
    !old && object.spec?.ephemeralContainers?.length
      ? [forbidden('spec.ephemeralContainers', 'cannot be set on create')]
      : [],
  validateUpdate: validatePodUpdate,
  validatePart: { ephemeralcontainers: validateEphemeralUpdate, resize: validateResize },
  gracePeriodSeconds(object, requested) {
    // Nothing runs for a pod that no node has or that has ended.
    if (!object.spec?.nodeName || object.status?.phase === 'Failed' || object.status?.phase === 'Succeeded') return 0;
    const seconds = requested ?? object.spec.terminationGracePeriodSeconds ?? 30;
    return seconds < 0 ? 1 : seconds;
  },
  columns: [
    text('Ready', 'Ready containers of all that keep running', (object) => {
      const { ready, total } = podReady(object);
      return `${ready}/${total}`;
    }),
    text('Status', 'What the containers are doing', podStatusText),
    text('Restarts', 'How often containers were restarted, and when last', podRestartsText),
    ageColumn,
    wide(
      'IP',
      'The address of the pod',
      (object) => object.status?.podIPs?.[0]?.ip || object.status?.podIP || '<none>',
    ),
    wide('Node', 'Where it runs', (object) => object.spec?.nodeName || '<none>'),
    wide('Nominated Node', 'Where room is being made for it', (object) => object.status?.nominatedNodeName || '<none>'),
    wide('Readiness Gates', 'Gates passed of those set', readinessGates),
  ],
  fieldSelectors: {
    'spec.nodeName': (object) => object.spec?.nodeName ?? '',
    'spec.restartPolicy': (object) => object.spec?.restartPolicy ?? '',
    'spec.schedulerName': (object) => object.spec?.schedulerName ?? '',
    'spec.serviceAccountName': (object) => object.spec?.serviceAccountName ?? '',
    'spec.hostNetwork': (object) => String(object.spec?.hostNetwork ?? false),
    'status.phase': (object) => object.status?.phase ?? '',
    'status.podIP': (object) => object.status?.podIPs?.[0]?.ip ?? object.status?.podIP ?? '',
    'status.nominatedNodeName': (object) => object.status?.nominatedNodeName ?? '',
  },
});

function readinessGates(object: Pod): string {
  const gates = object.spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const passed = gates.filter((gate) =>
    object.status?.conditions?.some(
      (condition) => condition.type === gate.conditionType && condition.status === 'True',
    ),
  );
  return `${passed.length}/${gates.length}`;
}
