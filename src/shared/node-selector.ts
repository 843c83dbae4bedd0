/** Which nodes a pod asks for: nodeSelector and node affinity. Pure. */
import type { Node, PodSpec } from './k8s';
import { matchesLabels } from './selectors';

type NodeAffinity = NonNullable<NonNullable<PodSpec['affinity']>['nodeAffinity']>;
type NodeSelectorTerm = NonNullable<
  NodeAffinity['requiredDuringSchedulingIgnoredDuringExecution']
>['nodeSelectorTerms'][number];
type Requirement = NonNullable<NodeSelectorTerm['matchExpressions']>[number];

function meets({ operator, values = [] }: Requirement, actual: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return actual !== undefined && values.includes(actual);
    case 'NotIn':
      return actual === undefined || !values.includes(actual);
    case 'Exists':
      return actual !== undefined;
    case 'DoesNotExist':
      return actual === undefined;
    case 'Gt':
    case 'Lt': {
      // Only whole numbers compare; anything else matches nothing.
      if (!/^-?\d+$/.test(actual ?? '') || values.length !== 1 || !/^-?\d+$/.test(values[0]!)) return false;
      const [left, right] = [BigInt(actual!), BigInt(values[0]!)];
      return operator === 'Gt' ? left > right : left < right;
    }
    default:
      return false;
  }
}

/** Whether a node meets all requirements of a term. A term without any matches no node. */
export function matchesNodeSelectorTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  node: Node,
): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  return (
    matchExpressions.every((requirement) => meets(requirement, node.metadata.labels?.[requirement.key])) &&
    matchFields.every((requirement) => requirement.key === 'metadata.name' && meets(requirement, node.metadata.name))
  );
}

/** Whether a node has what the pod's nodeSelector and required node affinity ask for. */
export function matchesNodeSelection(spec: PodSpec | undefined, node: Node): boolean {
  if (!matchesLabels(spec?.nodeSelector, node.metadata.labels)) return false;
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || required.nodeSelectorTerms.some((term) => matchesNodeSelectorTerm(term, node));
}
