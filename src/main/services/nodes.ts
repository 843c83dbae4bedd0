import type { Logger } from '../cluster/log';
import type { createDrain } from './drain';
import type { EmbeddedCluster } from './embedded';
import { ServiceError } from './errors';
import type { Methods } from './types';

/** Nodes of the embedded cluster, which come and go at run time. */
export function nodeMethods(options: {
  embedded: Pick<EmbeddedCluster, 'id' | 'nodes'>;
  drain: Pick<ReturnType<typeof createDrain>, 'begin'>;
  log: Logger;
}) {
  const { embedded, drain, log } = options;
  const nodesOf = (cluster: string) => {
    if (cluster === embedded.id) return embedded.nodes;
    throw new ServiceError('unavailable', 'Only the cluster inside this app gets and loses nodes here.', {
      hint: 'Use the tools that the other cluster was made with.',
    });
  };

  return {
    'node.add': async ({ cluster, ...node }) => nodesOf(cluster).add(node),

    async 'node.remove'({ cluster, name, force }, { signal }) {
      const nodes = nodesOf(cluster);
      await nodes.checkRemoval(name);
      // The task shows a failure; the node is still there to be removed again.
      const remove = () =>
        nodes.remove(name).catch((error: Error) => log.warn('a node could not be removed', { node: name, error }));
      if (force) return void remove();
      const { ended } = await drain.begin({ cluster, name, force: true, deleteEmptyDirData: true }, signal);
      void ended.then((drained) => (drained ? remove() : undefined));
    },

    'node.power': async ({ cluster, name, on }) => nodesOf(cluster).power(name, on),
  } satisfies Partial<Methods>;
}
