import type { Pod } from '@shared/k8s';
import { parseBytes, parseQuantity } from '@shared/quantity';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** The quality of service class that a pod's requests and limits of cpu and memory amount to. */
export function qosClass(pod: Pick<Pod, 'spec'>): QosClass {
  let any = false;
  let guaranteed = true;
  for (const { resources } of [...pod.spec!.containers, ...(pod.spec!.initContainers ?? [])]) {
    for (const name of ['cpu', 'memory']) {
      const limit = parseQuantity(resources?.limits?.[name]);
      const request = parseQuantity(resources?.requests?.[name]) || limit;
      if (limit || request) any = true;
      if (!limit || limit !== request) guaranteed = false;
    }
  }
  return guaranteed && any ? 'Guaranteed' : any ? 'Burstable' : 'BestEffort';
}

/** The kernel's inclination to kill a container when memory runs out, 0 … 1000. */
export function oomScore(pod: Pick<Pod, 'spec'>, memoryRequest: string | undefined, capacityBytes: number): number {
  const qos = qosClass(pod);
  if (qos === 'Guaranteed') return 0;
  if (qos === 'BestEffort' || capacityBytes <= 0) return 1000;
  const score = 1000 - Math.floor((1000 * parseBytes(memoryRequest)) / capacityBytes);
  return Math.min(999, Math.max(3, score));
}
