import type { Clock } from '../clock';
import { runController, type RunningController } from '../client/controller';
import type { InformerFactory, KubeClient } from '../client/types';
import type { WorkQueueMetrics } from '../client/workqueue';
import type { Logger } from '../log';
import { createBootstrapController } from './bootstrap';
import { createRoleAggregationController } from './access/aggregation';
import { createCertificateController } from './access/certificates';
import { createTokenSecretController } from './access/token-secrets';
import { createCronJobController } from './cronjob';
import { createDaemonSetController } from './daemonset';
import { createDeploymentController } from './deployment';
import { createDisruptionControllers } from './disruption';
import { createEndpointsControllers } from './endpoints';
import { createEphemeralVolumeController } from './ephemeral-volume';
import { createEventTtlController } from './event-ttl';
import type { ControllerContext, ControllerSettings, ControlLoop } from './framework';
import { createGarbageCollector } from './garbage-collector';
import { createAutoscalerController } from './horizontalpodautoscaler';
import { createJobControllers } from './job';
import { createKubernetesServiceController } from './kubernetes-service';
import { createNamespaceController } from './namespace';
import { createNodeLifecycleController } from './node-lifecycle';
import { createTaintEvictionController } from './node-lifecycle/eviction';
import { createPersistentVolumeController } from './persistentvolume';
import { createPodGCController } from './pod-gc';
import { createReplicaSetController } from './replicaset';
import { replicationControllerKind } from './replicaset/kinds';
import { createResourceQuotaController } from './resourcequota';
import { createServiceAccountController } from './serviceaccount';
import { createStatefulSetController } from './statefulset';
import { createVolumeProtectionControllers } from './volume-protection';

export type { ControllerSettings } from './framework';

export interface Controllers {
  /** Runs once the caches are filled; resolves when every controller works. */
  start(): Promise<void>;
  /** Takes up no more work; resolves when what was under way has ended. */
  stop(): Promise<void>;
  status(): { name: string; lastError?: string; queueLength: number }[];
  /** What each controller's queue has done and has before it. */
  queues(): { name: string; metrics: WorkQueueMetrics }[];
}

/** All controllers of the cluster, on shared informers that the caller stops. */
export function createControllers(parameters: {
  client: KubeClient;
  informers: InformerFactory;
  clock: Clock;
  log: Logger;
  options?: ControllerSettings;
}): Controllers {
  const context: ControllerContext = { ...parameters, options: parameters.options ?? {} };
  const { clock, log, informers } = context;
  const loops: ControlLoop[] = [
    createNamespaceController(context),
    createBootstrapController(context),
    createServiceAccountController(context),
    createTokenSecretController(context),
    createRoleAggregationController(context),
    createCertificateController(context),
    createKubernetesServiceController(context),
    createDeploymentController(context),
    createReplicaSetController(context),
    createReplicaSetController(context, replicationControllerKind),
    createDaemonSetController(context),
    createStatefulSetController(context),
    ...createJobControllers(context),
    createCronJobController(context),
    createAutoscalerController(context),
    ...createDisruptionControllers(context),
    ...createEndpointsControllers(context),
    createGarbageCollector(context),
    createNodeLifecycleController(context),
    createTaintEvictionController(context),
    createPodGCController(context),
    createPersistentVolumeController(context),
    createEphemeralVolumeController(context),
    ...createVolumeProtectionControllers(context),
    createResourceQuotaController(context),
    createEventTtlController(context),
  ];
  let running: RunningController[] = [];
  let stopped = false;
  return {
    async start() {
      await informers.start();
      if (stopped || running.length) return;
      running = loops.map((loop) => runController({ ...loop, clock, log: log.child(loop.name) }));
    },
    async stop() {
      stopped = true;
      for (const loop of loops) loop.queue.close();
      await Promise.all(running.map((controller) => controller.stop()));
    },
    queues: () => loops.map(({ name, queue }) => ({ name, metrics: queue.metrics() })),
    status: () =>
      loops.map((loop) => {
        const lastError = running.find(({ name }) => name === loop.name)?.lastError();
        return { name: loop.name, ...(lastError ? { lastError } : {}), queueLength: loop.queue.metrics().depth };
      }),
  };
}
