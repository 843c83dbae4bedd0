import type { Node } from '../k8s';
import { AGENT_ANNOTATION } from '../node-agents';
import { parseQuantity } from '../quantity';
import { condition, status } from './helpers';
import { defineKindView, type StatusValue } from './types';

const ROLE = 'node-role.kubernetes.io/';
/** Marks a node that runs no containers. */
export const SIMULATED_LABEL = 'gantry.dev/simulated';
const PRESSURES = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'];

export function isSimulated(node: Node): boolean {
  return (
    node.metadata.labels?.[SIMULATED_LABEL] === 'true' ||
    (node.status?.nodeInfo?.containerRuntimeVersion ?? '').startsWith('simulated:')
  );
}

/** The parts of `node-role.kubernetes.io/…` labels. */
export function nodeRoles(node: Node): string[] {
  return Object.keys(node.metadata.labels ?? {})
    .filter((label) => label.startsWith(ROLE))
    .map((label) => label.slice(ROLE.length));
}

export function nodeStatus(object: Node): StatusValue {
  const ready = condition(object, 'Ready');
  if (!ready) return status('Starting', 'busy');
  // Also where nothing is known of it any more, as kubectl has it.
  if (ready.status !== 'True') return status('NotReady', 'error', ready.message);
  const pressure = PRESSURES.find((type) => condition(object, type)?.status === 'True');
  if (pressure) return status(pressure, 'warn', condition(object, pressure)?.message);
  return object.spec?.unschedulable ? status('Ready, cordoned', 'warn') : status('Ready', 'ok');
}

export const nodes = defineKindView<Node>({
  id: 'nodes',
  group: '',
  version: 'v1',
  plural: 'nodes',
  kind: 'Node',
  namespaced: false,
  section: 'cluster',
  order: 10,
  icon: 'Server',
  columns: [
    { id: 'roles', renderer: 'list', width: 110, value: nodeRoles },
    { id: 'cpu', renderer: 'cpu', width: 70, align: 'end', value: (_, context) => context.usage?.cpu ?? null },
    {
      id: 'cpuCapacity',
      renderer: 'cpu',
      width: 84,
      align: 'end',
      value: (object) => parseQuantity(object.status?.allocatable?.['cpu'] ?? '0'),
    },
    { id: 'memory', renderer: 'bytes', width: 84, align: 'end', value: (_, context) => context.usage?.memory ?? null },
    {
      id: 'memoryCapacity',
      renderer: 'bytes',
      width: 106,
      align: 'end',
      value: (object) => parseQuantity(object.status?.allocatable?.['memory'] ?? '0'),
    },
    {
      id: 'taints',
      renderer: 'list',
      width: 160,
      wide: true,
      value: (object) =>
        (object.spec?.taints ?? []).map(
          (taint) => `${taint.key}${taint.value ? `=${taint.value}` : ''}:${taint.effect}`,
        ),
    },
    {
      id: 'address',
      renderer: 'mono',
      width: 130,
      wide: true,
      value: (object) =>
        object.status?.addresses?.find((candidate) => candidate.type === 'InternalIP')?.address ?? null,
    },
    { id: 'version', renderer: 'text', width: 116, value: (object) => object.status?.nodeInfo?.kubeletVersion ?? null },
    {
      id: 'runtime',
      renderer: 'text',
      width: 160,
      optional: true,
      value: (object) => object.status?.nodeInfo?.containerRuntimeVersion ?? null,
    },
  ],
  status: nodeStatus,
  facts(object) {
    const agent = object.metadata.annotations?.[AGENT_ANNOTATION];
    const unschedulable = object.spec?.unschedulable === true;
    return { unschedulable, simulated: isSimulated(object), ...(agent ? { agent } : {}) };
  },
  capabilities: { cordon: true, metrics: 'node' },
});
