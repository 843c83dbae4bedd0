import type { HorizontalPodAutoscaler } from '@shared/k8s';
import { isDeepStrictEqual } from 'node:util';
import { keyOf, resources } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';
import { MetricsReader } from './metrics-reader';
import { AutoscalerReconciler } from './reconciler';
import { ScaleTargets } from './scale-targets';

/** How often every autoscaler is looked at unless told otherwise (as in Kubernetes), in ms. */
const defaultSyncMs = 15_000;

/** HorizontalPodAutoscalers: as many replicas as their metrics ask for. */
export function createAutoscalerController(context: ControllerContext): ControlLoop {
  const { client, clock, informers, options } = context;
  const queue = new WorkQueue(clock);
  const autoscalers = informers.informer(resources.horizontalPodAutoscalers);
  const reconciler = new AutoscalerReconciler({
    client,
    clock,
    autoscalers,
    events: recorderFor(context, 'horizontal-pod-autoscaler'),
    complaints: recorderFor(context, 'horizontal-pod-autoscaler'),
    targets: new ScaleTargets(client),
    reader: new MetricsReader(client),
    syncMs: options.autoscalerSyncMs ?? defaultSyncMs,
  });
  const enqueue = (autoscaler: HorizontalPodAutoscaler) => queue.add(keyOf(autoscaler));
  autoscalers.on({
    add: enqueue,
    // Its own status is no news; a changed wish is not left waiting for the next round.
    update: (autoscaler, old) => {
      if (!isDeepStrictEqual(autoscaler.spec, old.spec)) enqueue(autoscaler);
    },
    delete: (autoscaler) => reconciler.forget(keyOf(autoscaler)),
  });
  return { name: 'horizontalpodautoscaler', queue, reconciler, workers: 5 };
}
