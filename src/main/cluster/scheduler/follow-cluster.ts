import type { Node } from '@shared/k8s';
import { keyOf } from '../client/resources';
import type { Informer } from '../client/types';
import type { ClusterEvent } from './framework/types';
import type { Snapshot } from './snapshot';
import type { InformerView } from './view';

export interface FollowOptions {
  nodes: Informer<Node>;
  view: InformerView;
  snapshot: Snapshot;
  /** Hears of what may let pods fit that did not. */
  tell: (event: ClusterEvent) => void;
}

/** Keeps the snapshot's nodes and namespaces true, and tells of all but pods. @returns how to stop */
export function followCluster({ nodes, view, snapshot, tell }: FollowOptions): () => void {
  const claim = (object: { metadata: { namespace?: string; name: string } }) =>
    tell({ type: 'claim', claim: keyOf(object) });
  const volume = () => tell({ type: 'volume' });
  const storageClass = () => tell({ type: 'storageClass' });
  const nodeChanged = (node: Node, old?: Node) => {
    snapshot.setNode(node);
    if (old && schedulingView(node) === schedulingView(old)) return;
    tell({ type: 'node', node: snapshot.get(node.metadata.name)!, old });
  };
  const removals = [
    view.namespaces.on({
      add: (namespace) => snapshot.setNamespace(namespace.metadata.name, namespace),
      update: (namespace) => {
        snapshot.setNamespace(namespace.metadata.name, namespace);
        tell({ type: 'namespace' });
      },
      delete: (namespace) => snapshot.setNamespace(namespace.metadata.name, undefined),
    }),
    view.claims.on({ add: claim, update: claim }),
    view.persistentVolumes.on({ add: volume, update: volume, delete: volume }),
    view.storageClasses.on({ add: storageClass, update: storageClass }),
    nodes.on({
      add: (node) => nodeChanged(node),
      update: nodeChanged,
      delete: (node) => {
        snapshot.removeNode(node.metadata.name);
        tell({ type: 'nodeGone' });
      },
    }),
  ];
  return () => {
    for (const remove of removals) remove();
  };
}

/** The parts of a node that decide who may run there; nodes report far more often than these change. */
function schedulingView({ metadata, spec, status }: Node): string {
  return JSON.stringify([metadata.labels, spec?.taints, spec?.unschedulable, status?.allocatable]);
}
