import type { PersistentVolumeClaim, StatefulSet } from '@shared/k8s';
import { keyOf, resources } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { indexByController } from '../claim';
import { Expectations } from '../expectations';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';
import { followOwnedPods } from '../owned-pods';
import { StatefulClaims } from './claims';
import { StatefulSetReconciler } from './reconciler';

/** StatefulSets: pods with lasting names, made, updated and taken away in order. */
export function createStatefulSetController(context: ControllerContext): ControlLoop {
  const { client, clock, informers } = context;
  const queue = new WorkQueue(clock);
  const expectations = new Expectations(clock);
  const statefulSets = informers.informer(resources.statefulSets);
  const revisions = informers.informer(resources.controllerRevisions);
  const claims = informers.informer<PersistentVolumeClaim>(resources.persistentVolumeClaims);
  const pods = informers.informer(resources.pods);
  indexByController(revisions);

  const enqueue = (set: StatefulSet) => queue.add(keyOf(set));
  claims.on({
    delete({ metadata: { namespace, name } }) {
      const gives = (set: StatefulSet) =>
        set.spec?.volumeClaimTemplates?.some((template) =>
          name.startsWith(`${template.metadata!.name}-${set.metadata.name}-`),
        );
      for (const set of statefulSets.list(namespace)) if (gives(set)) enqueue(set);
    },
  });
  followOwnedPods({ ref: resources.statefulSets, owners: statefulSets, pods, expectations, enqueue });

  const events = recorderFor(context, 'statefulset-controller');
  const reconciler = new StatefulSetReconciler({
    client,
    clock,
    events,
    expectations,
    claims: new StatefulClaims({ client, events, claims }),
    statefulSets,
    revisions,
    pods,
  });
  return { name: 'statefulset', queue, reconciler, workers: 5 };
}
