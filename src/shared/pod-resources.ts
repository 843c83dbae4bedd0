import type { PodSpec } from './k8s';
import { parseBytes, parseCpuMillis } from './quantity';

/** Amounts by resource name: cpu in millis, memory and others in whole units. */
export type Resources = Record<string, number>;

type Quantities = Record<string, string> | undefined;

/** A map of quantities as amounts. @throws Error when one is not a quantity */
export function parseResources(quantities: Quantities): Resources {
  const resources: Resources = {};
  for (const [name, quantity] of Object.entries(quantities ?? {})) {
    resources[name] = name === 'cpu' ? parseCpuMillis(quantity) : parseBytes(quantity);
  }
  return resources;
}

function add(sum: Resources, other: Resources): void {
  for (const name in other) sum[name] = (sum[name] ?? 0) + other[name]!;
}

function raise(most: Resources, other: Resources): void {
  for (const name in other) most[name] = Math.max(most[name] ?? 0, other[name]!);
}

/**
 * What a pod takes from its node: the sum of its containers and sidecars, or what
 * its greediest init container needs with the sidecars started before it, if that
 * is more; plus its overhead.
 * @param of what each container counts for, its requests or its limits
 */
function podResources(spec: PodSpec | undefined, of: 'requests' | 'limits', atLeast: Resources): Resources {
  const amounts = (container: PodSpec['containers'][number]): Resources => ({
    ...atLeast,
    ...parseResources(container.resources?.[of]),
  });
  const total: Resources = {};
  for (const container of spec?.containers ?? []) add(total, amounts(container));
  const sidecars: Resources = {};
  const starting: Resources = {};
  for (const container of spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      add(total, amounts(container));
      add(sidecars, amounts(container));
      raise(starting, sidecars);
    } else {
      const needed = { ...sidecars };
      add(needed, amounts(container));
      raise(starting, needed);
    }
  }
  raise(total, starting);
  const overhead = parseResources(spec?.overhead);
  // What is not limited stays so.
  if (of === 'limits') for (const name in overhead) if (!total[name]) delete overhead[name];
  add(total, overhead);
  return total;
}

/**
 * The requests of a pod.
 * @param atLeast counted for containers that ask for nothing of a resource
 * @throws Error when a quantity is malformed
 */
export const podRequests = (spec: PodSpec | undefined, atLeast: Resources = {}): Resources =>
  podResources(spec, 'requests', atLeast);

/** The limits of a pod; a container without a limit counts as nothing. @throws Error when a quantity is malformed */
export const podLimits = (spec: PodSpec | undefined): Resources => podResources(spec, 'limits', {});
