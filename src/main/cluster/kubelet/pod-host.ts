import type { Pod } from '@shared/k8s';
import type { EventRecorder } from '../client/events';
import type { KubeClient } from '../client/types';
import type { Clock } from '../clock';
import type { Dial } from '../dial';
import type { Logger } from '../log';
import type { Admission } from './admission';
import type { Backoff } from './backoff';
import type { NodeFacts } from './container-specs';
import type { FieldFacts } from './field-refs';
import type { ImageManager } from './images';
import type { ObjectSource } from './objects';
import type { Preemption } from './preemption';
import type { Runtime } from './runtime/types';

/** What a node agent gives the workers of its pods. */
export interface PodHost {
  runtime: Runtime;
  client: KubeClient;
  clock: Clock;
  log: Logger;
  recorder: EventRecorder;
  objects: ObjectSource;
  images: ImageManager;
  crashes: Backoff;
  /** Which pods the node takes, and what they have of it. */
  admission: Admission;
  preemption: Preemption;
  dial: Dial;
  /** Resolves when the network policies hold that select a pod in a sandbox. */
  guardNetwork?(pod: Pod, sandbox: { id: string; ip: string }): Promise<void>;
  volumesDirectory: string;
  /** Where seccomp profiles of type Localhost are. */
  seccompDirectory: string;
  node: NodeFacts;
  hostIp(): string;
  /** The engine sees this host's directories. */
  local(): boolean;
  allocatable(): FieldFacts['allocatable'];
  /** The engine did not answer; the worker is woken when it does again. */
  engineLost(error: Error): void;
  /** The worker has done all it had to: the pod is gone from this node. */
  finished(uid: string): void;
}
