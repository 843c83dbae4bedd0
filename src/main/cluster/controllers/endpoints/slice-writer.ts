import type { EndpointSlice, KubeObject } from '@shared/k8s';
import { isNotFound } from '../../client/controller';
import { resources } from '../../client/resources';
import type { Informer, KubeClient } from '../../client/types';
import type { Expectations } from '../expectations';
import { managedByLabel, serviceNameLabel, type SlicePlan } from './slices';

const managedIndex = 'managed-by/service';

/** The service (`namespace/name`) whose slice this is, if this manager keeps it. */
function serviceOf({ metadata: { labels, namespace } }: EndpointSlice, managedBy: string): string | undefined {
  const name = labels?.[managedByLabel] === managedBy ? labels[serviceNameLabel] : undefined;
  return name && `${namespace}/${name}`;
}

/** Looks at a service again whenever one of its slices changes, and notes those that were expected. */
export function followSlices(options: {
  slices: Informer<EndpointSlice>;
  managedBy: string;
  expectations: Expectations;
  enqueue: (service: string) => void;
}): void {
  const { slices, managedBy, expectations, enqueue } = options;
  slices.addIndex(managedIndex, ({ metadata: { labels, namespace } }) => {
    const [manager, service] = [labels?.[managedByLabel], labels?.[serviceNameLabel]];
    return manager && service ? [`${manager}/${namespace}/${service}`] : [];
  });
  const again = (slice: EndpointSlice) => {
    const key = serviceOf(slice, managedBy);
    if (key) enqueue(key);
  };
  slices.on({
    add(slice) {
      const key = serviceOf(slice, managedBy);
      if (key) expectations.created(key);
      again(slice);
    },
    // Whoever takes the label off a slice takes it away from its service.
    update: (slice, old) => void (again(old), again(slice)),
    delete: again,
  });
}

export const slicesOf = (slices: Informer<EndpointSlice>, managedBy: string, service: string): EndpointSlice[] =>
  slices.byIndex(managedIndex, `${managedBy}/${service}`);

/** Carries out a plan. What is added comes first: traffic must not find a gap between two slices. */
export async function applySlices(
  service: string,
  plan: SlicePlan,
  { client, expectations }: { client: KubeClient; expectations: Expectations },
): Promise<void> {
  await create(service, plan.create);
  for (const slice of plan.update) await client.update(resources.endpointSlices, slice);
  for (const { metadata } of plan.remove) {
    try {
      await client.delete(resources.endpointSlices, metadata.namespace, metadata.name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function create(key: string, planned: readonly KubeObject[]): Promise<void> {
    expectations.expectCreations(key, planned.length);
    let done = 0;
    try {
      for (; done < planned.length; done++) await client.create(resources.endpointSlices, planned[done]!);
    } finally {
      expectations.created(key, planned.length - done);
    }
  }
}
