import type { Clock } from '../clock';
import { createEventRecorder, type EventRecorder } from '../client/events';
import type { InformerFactory, KubeClient, Reconciler } from '../client/types';
import type { WorkQueue } from '../client/workqueue';
import type { Logger } from '../log';

export interface ApiEndpoint {
  ip: string;
  port: number;
  clusterIP?: string;
}

export interface ControllerSettings {
  /** PEM of the cluster's CA: published as ConfigMap kube-root-ca.crt in every namespace. */
  rootCA?: string;
  /** Where the API server is reached from pods: the `kubernetes` Service in `default` leads there. */
  apiEndpoint?: ApiEndpoint;
  /** Calls back when it turns out that pods reach it elsewhere. */
  onApiEndpoint?: (listener: (endpoint: ApiEndpoint) => void) => void;
  /** Signs an approved certificate request; gives the certificate as PEM. Without it none is signed. */
  signCertificate?: (request: {
    pem: string;
    signerName: string;
    usages: readonly string[];
    /** How long the certificate is to be valid. */
    seconds?: number;
  }) => Promise<string>;
  /** The token of a secret of type kubernetes.io/service-account-token. Without it such secrets stay empty. */
  issueLegacyToken?: (account: { namespace: string; name: string; uid: string }, secret: string) => string;
  /** How long a node may be silent, in ms: 40 s unless told, as Kubernetes had it before 1.32 (50 s). */
  nodeGraceMs?: number;
  /** How often autoscalers look at their metrics, in ms (Kubernetes: 15 s). */
  autoscalerSyncMs?: number;
  /** How long events are kept, in ms (Kubernetes: 1 h). */
  eventTtlMs?: number;
}

/** What every controller is built from. */
export interface ControllerContext {
  client: KubeClient;
  informers: InformerFactory;
  clock: Clock;
  log: Logger;
  options: ControllerSettings;
}

/** A controller before it runs: its informers are asked for and feed its queue. */
export interface ControlLoop {
  name: string;
  queue: WorkQueue;
  reconciler: Reconciler;
  workers?: number;
}

/** The recorder of a controller's events. */
export function recorderFor(context: ControllerContext, component: string): EventRecorder {
  const { client, clock, log } = context;
  return createEventRecorder({ client, clock, log: log.child(component), component });
}
