import type { ClusterRole, PolicyRule } from '@shared/k8s';
import { matchesSelector } from '@shared/selectors';
import { resources } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import type { ControllerContext, ControlLoop } from '../framework';

/** Gives ClusterRoles with an aggregationRule the rules of the roles that it selects. */
export function createRoleAggregationController(context: ControllerContext): ControlLoop {
  const { client, clock, informers } = context;
  const queue = new WorkQueue(clock);
  const roles = informers.informer(resources.clusterRoles);

  // Any role may be selected, so any change concerns every role that selects; those are few.
  const enqueueAll = () => {
    for (const role of roles.list()) if (role.aggregationRule) queue.add(role.metadata.name);
  };
  roles.on({ add: enqueueAll, update: enqueueAll, delete: enqueueAll });

  return {
    name: 'clusterrole-aggregation',
    queue,
    reconciler: {
      async reconcile(name) {
        const role = roles.get(undefined, name);
        if (!role?.aggregationRule) return;
        const rules = aggregate(role, roles.list());
        if (JSON.stringify(rules) === JSON.stringify(role.rules ?? [])) return;
        await client.update(resources.clusterRoles, { ...role, rules });
      },
    },
  };
}

/** The rules of the selected roles, in the order of their names, each once. */
function aggregate(role: ClusterRole, roles: ClusterRole[]): PolicyRule[] {
  const found = new Map<string, PolicyRule>();
  for (const selector of role.aggregationRule!.clusterRoleSelectors ?? []) {
    const selected = roles
      .filter((other) => other !== role && matchesSelector(selector, other.metadata.labels ?? {}))
      .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    for (const other of selected) {
      for (const rule of other.rules ?? []) found.set(JSON.stringify(rule), rule);
    }
  }
  return [...found.values()];
}
