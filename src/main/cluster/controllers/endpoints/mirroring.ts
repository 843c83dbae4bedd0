import { keyOf, resources, splitKey } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { Expectations } from '../expectations';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';
import { isNamespaceTerminating } from '../terminating';
import { isMirrored, maxPerSubset, mirroredBy, planMirror } from './mirror-plan';
import { applySlices, followSlices, slicesOf } from './slice-writer';

const lookAgainMs = 60_000;

/** Endpoints that people write for services without a selector, shown as the EndpointSlices that proxies read. */
export function createMirroringController(context: ControllerContext): ControlLoop {
  const { client, clock, informers } = context;
  const queue = new WorkQueue(clock);
  const expectations = new Expectations(clock);
  const services = informers.informer(resources.services);
  const endpoints = informers.informer(resources.endpoints);
  const slices = informers.informer(resources.endpointSlices);
  const events = recorderFor(context, 'endpoint-slice-mirroring-controller');
  const enqueue = (object: { metadata: { namespace?: string; name: string } }) => queue.add(keyOf(object));
  services.on({ add: enqueue, update: enqueue, delete: enqueue });
  endpoints.on({ add: enqueue, update: enqueue, delete: enqueue });
  followSlices({ slices, managedBy: mirroredBy, expectations, enqueue: (key) => queue.add(key) });

  return {
    name: 'endpointslicemirroring',
    queue,
    workers: 5,
    reconciler: {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        if (!expectations.satisfied(key)) return { requeueAfterMs: lookAgainMs };
        const existing = slicesOf(slices, mirroredBy, key);
        const service = services.get(namespace, name);
        const source = endpoints.get(namespace, name);
        // With a selector the slices come from the pods.
        const wanted = service && !service.spec?.selector && source && isMirrored(source);
        if (!wanted || service.metadata.deletionTimestamp || source.metadata.deletionTimestamp) {
          return applySlices(key, { create: [], update: [], remove: existing }, { client, expectations });
        }
        const plan = planMirror(source, existing);
        if (plan.invalid > 0) {
          const message = `Skipped ${plan.invalid} invalid IP addresses when mirroring to EndpointSlices`;
          events.event(source, 'Warning', 'InvalidIPAddress', message);
        }
        if (plan.skipped > 0) {
          const message = `A max of ${maxPerSubset} addresses can be mirrored to EndpointSlices per Endpoints subset. ${plan.skipped} addresses were skipped`;
          events.event(source, 'Warning', 'TooManyAddressesToMirror', message);
        }
        try {
          await applySlices(key, plan, { client, expectations });
        } catch (error) {
          if (isNamespaceTerminating(error)) return;
          const message = `Error updating EndpointSlices for Endpoints ${key}: ${(error as Error).message}`;
          events.event(source, 'Warning', 'FailedToUpdateEndpointSlices', message);
          throw error;
        }
      },
    },
  };
}
