import type { Service } from '@shared/k8s';

type Spec = NonNullable<Service['spec']>;

/** Whether a Service has an address or port for who is not in the cluster, so that an external traffic policy makes sense. */
export const isExternallyAccessible = ({ type, externalIPs }: Spec): boolean =>
  type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && (externalIPs?.length ?? 0) > 0);

/** Whether load balancers must be told on which nodes a Service has endpoints. */
export const needsHealthCheckNodePort = ({ type, externalTrafficPolicy }: Spec): boolean =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
