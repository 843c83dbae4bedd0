import type { Ingress } from '@shared/k8s';
import { isConflict, isNotFound } from '../../client/controller';
import { resources } from '../../client/resources';
import type { KubeClient } from '../../client/types';
import type { HostPorts } from './host-ports';

/** Where clients on this machine find what is served. */
export const address = '127.0.0.1';

/** Says in the status of an Ingress where it is served. Costs nothing when it says so already. */
export async function tellAddress(client: KubeClient, ingress: Ingress, ports: HostPorts): Promise<void> {
  const loadBalancer = {
    ingress: [
      {
        ip: address,
        ports: [ports.http, ports.https].map((port) => ({ port, protocol: 'TCP' })),
      },
    ],
  };
  if (JSON.stringify(ingress.status?.loadBalancer) === JSON.stringify(loadBalancer)) return;
  try {
    await client.updateStatus(resources.ingresses, { ...ingress, status: { loadBalancer } });
  } catch (error) {
    // The cache will bring what is newer, or that it is gone.
    if (!isConflict(error) && !isNotFound(error)) throw error;
  }
}
