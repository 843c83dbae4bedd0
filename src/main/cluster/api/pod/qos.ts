import { parseQuantity } from '@shared/quantity';
import type { PodSpec } from '@shared/k8s';

/**
 * The quality of service that the spec's CPU and memory give a pod.
 * Quantities must be well-formed or are taken as absent.
 */
export function qosClass(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  let any = false;
  let guaranteed = containers.length > 0;
  for (const container of containers) {
    for (const resource of ['cpu', 'memory']) {
      const limit = amount(container.resources?.limits?.[resource]);
      const request = amount(container.resources?.requests?.[resource]);
      if (limit || request) any = true;
      if (!limit || (request && request !== limit)) guaranteed = false;
    }
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function amount(quantity: string | undefined): number {
  try {
    return parseQuantity(quantity);
  } catch {
    return 0;
  }
}
