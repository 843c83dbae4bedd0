/** Objects for tests. */
import type { EndpointSlice, Service } from '@shared/k8s';

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];
type SlicePort = NonNullable<EndpointSlice['ports']>[number];

let counter = 0;
const metadata = (namespace: string, name: string, labels: Record<string, string> = {}) => ({
  namespace,
  name,
  labels,
  uid: `uid-${++counter}`,
  resourceVersion: String(counter),
});

export const service = (namespace: string, name: string, spec: Service['spec']): Service =>
  ({ metadata: metadata(namespace, name), spec }) as Service;

export const endpoint = (ip: string, conditions: Endpoint['conditions'] = { ready: true }): Endpoint => ({
  addresses: [ip],
  conditions,
});

export const slice = (namespace: string, of: string, endpoints: Endpoint[], ports: SlicePort[]): EndpointSlice =>
  ({
    metadata: metadata(namespace, `${of}-${++counter}`, { 'kubernetes.io/service-name': of }),
    addressType: 'IPv4',
    endpoints,
    ports,
  }) as EndpointSlice;
