import type { PodSpec } from '@shared/k8s';
import { matchesNodeSelection, matchesNodeSelectorTerm } from '@shared/node-selector';
import { type Plugin, scaleToHundred } from '../framework/types';
import type { PodInfo } from '../snapshot';

const refused = { reasons: ["node(s) didn't match Pod's node affinity/selector"], unresolvable: true };

type NodeAffinity = NonNullable<NonNullable<PodSpec['affinity']>['nodeAffinity']>;
type Preferences = NonNullable<NodeAffinity['preferredDuringSchedulingIgnoredDuringExecution']>;

const requiredTerms = ({ pod }: PodInfo) =>
  pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;

/** nodeSelector and node affinity: what must be, and what is better. */
export const nodeAffinity: Plugin<undefined, Preferences> = {
  name: 'NodeAffinity',
  preFilter(info) {
    const terms = requiredTerms(info);
    if (!terms) return info.pod.spec?.nodeSelector ? undefined : { skip: true };
    const nodes = namedNodes(terms);
    return nodes && { nodes };
  },
  filter: ({ pod }, { node }) => (matchesNodeSelection(pod.spec, node!) ? undefined : refused),
  preScore({ pod }) {
    const preferred = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
    return preferred?.length ? { state: preferred } : { skip: true };
  },
  score: (_, { node }, preferred) =>
    preferred.reduce(
      (sum, { weight, preference }) => (matchesNodeSelectorTerm(preference, node!) ? sum + weight : sum),
      0,
    ),
  normalize: (scores) => scaleToHundred(scores),
  helps: (event, pod) => event.type === 'node' && !nodeAffinity.filter!(pod, event.node, undefined),
};

/** The only nodes that can match, when every term names its own, as those of DaemonSets do. */
function namedNodes(terms: NonNullable<ReturnType<typeof requiredTerms>>): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const field = matchFields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In');
    if (!field) return undefined;
    for (const name of field.values ?? []) names.add(name);
  }
  return terms.length > 0 ? names : undefined;
}
