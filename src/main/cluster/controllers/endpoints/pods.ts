/** From pods to endpoints. Pure. */
import type { Pod, Service } from '@shared/k8s';
import { isFinished, isReady } from '../pods';

export type ServicePort = NonNullable<NonNullable<Service['spec']>['ports']>[number];

export interface EndpointPort {
  name: string;
  port: number;
  protocol: string;
  appProtocol?: string;
}

export interface PodEndpoint {
  pod: Pod;
  ip: string;
  ports: EndpointPort[];
  ready: boolean;
  serving: boolean;
  terminating: boolean;
  nodeName?: string;
  zone?: string;
  /** A name of its own under a headless service. */
  hostname?: string;
}

export const isHeadless = (service: Service): boolean => service.spec?.clusterIP === 'None';

/** Whether the controller manages the endpoints of a service at all. */
export const hasSelector = (service: Service): boolean =>
  service.spec?.type !== 'ExternalName' && Object.keys(service.spec?.selector ?? {}).length > 0;

/** The address family of a service's slices. */
export function addressType(service: Service): 'IPv4' | 'IPv6' {
  const family = service.spec?.ipFamilies?.[0];
  if (family === 'IPv6' || family === 'IPv4') return family;
  return service.spec?.clusterIP?.includes(':') ? 'IPv6' : 'IPv4';
}

/** The number behind a targetPort: itself, or the container port of that name. Undefined when the pod has none. */
export function resolvePort(pod: Pod, { port, targetPort, protocol = 'TCP' }: ServicePort): number | undefined {
  if (targetPort === undefined || targetPort === null || targetPort === 0) return port;
  if (typeof targetPort === 'number') return targetPort;
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    const found = (container.ports ?? []).find(
      (candidate) => candidate.name === targetPort && (candidate.protocol ?? 'TCP') === protocol,
    );
    if (found) return found.containerPort;
  }
  return undefined;
}

/** The endpoint a pod is for a service, or undefined while it has no address or when it has ended. */
export function podEndpoint(service: Service, pod: Pod, zone?: string): PodEndpoint | undefined {
  const family = addressType(service);
  const addresses = pod.status?.podIPs?.length ? pod.status.podIPs.map(({ ip }) => ip) : [pod.status?.podIP];
  const ip = addresses.find((address) => address && address.includes(':') === (family === 'IPv6'));
  if (!ip || isFinished(pod)) return undefined;
  const ports: EndpointPort[] = [];
  for (const port of service.spec?.ports ?? []) {
    const number = resolvePort(pod, port);
    if (number === undefined) continue;
    ports.push({
      name: port.name ?? '',
      port: number,
      protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
    });
  }
  const serving = isReady(pod);
  const terminating = Boolean(pod.metadata.deletionTimestamp);
  const { hostname, subdomain, nodeName } = pod.spec ?? {};
  return {
    pod,
    ip,
    ports,
    ready: Boolean(service.spec?.publishNotReadyAddresses) || (serving && !terminating),
    serving,
    terminating,
    ...(nodeName ? { nodeName } : {}),
    ...(zone ? { zone } : {}),
    ...(hostname && subdomain === service.metadata.name ? { hostname } : {}),
  };
}

/** Whether a change of a pod can change any service's endpoints. */
export function endpointChanged(pod: Pod, old: Pod): boolean {
  return (
    isReady(pod) !== isReady(old) ||
    isFinished(pod) !== isFinished(old) ||
    pod.metadata.deletionTimestamp !== old.metadata.deletionTimestamp ||
    pod.status?.podIP !== old.status?.podIP ||
    (pod.status?.podIPs?.length ?? 0) !== (old.status?.podIPs?.length ?? 0) ||
    pod.spec?.nodeName !== old.spec?.nodeName ||
    !sameLabels(pod.metadata.labels, old.metadata.labels)
  );
}

export function sameLabels(a: Record<string, string> = {}, b: Record<string, string> = {}): boolean {
  if (a === b) return true;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/** Endpoints with the same ports, which share a slice or subset. */
export function groupByPorts(endpoints: readonly PodEndpoint[]): Map<string, PodEndpoint[]> {
  const groups = new Map<string, PodEndpoint[]>();
  for (const endpoint of endpoints) {
    const key = portsKey(endpoint.ports);
    const group = groups.get(key);
    if (group) group.push(endpoint);
    else groups.set(key, [endpoint]);
  }
  return groups;
}

/** The identity of a set of ports. */
export function portsKey(
  ports: readonly { name?: string; port?: number; protocol?: string; appProtocol?: string }[],
): string {
  return ports
    .map(({ name = '', port, protocol = 'TCP', appProtocol = '' }) => `${name}/${port}/${protocol}/${appProtocol}`)
    .sort()
    .join(';');
}
