import type { Service } from '@shared/k8s';
import { listAll } from '../resources';
import { eventLines } from './events';
import type { Session } from '../session';
import type { Describe } from './types';

interface Endpoint {
  addresses: string[];
  conditions?: { ready?: boolean };
}

interface Slice {
  metadata: { name: string };
  addressType: string;
  endpoints?: Endpoint[] | null;
  ports?: { name?: string; port?: number }[] | null;
}

/** The endpoint slices of a service. */
export async function slicesOf(session: Session, namespace: string | undefined, service: string): Promise<Slice[]> {
  const mapping = (await session.discovery()).lookup('endpointslices.discovery.k8s.io');
  if (!mapping) return [];
  const list = await listAll(session, mapping, namespace, {
    labelSelector: `kubernetes.io/service-name=${service}`,
  });
  return list.items as unknown as Slice[];
}

/** `10.0.0.1:80,10.0.0.2:80 + 3 more...` for one port of a service. */
export function endpointText(slices: readonly Slice[], portName: string): string {
  const most = 3;
  const addresses = slices.flatMap((slice) => {
    const ports = (slice.ports ?? []).filter((port) => (port.name ?? '') === portName && port.port !== undefined);
    return (slice.endpoints ?? [])
      .filter((endpoint) => endpoint.conditions?.ready !== false)
      .flatMap((endpoint) =>
        ports.map((port) =>
          slice.addressType === 'IPv6'
            ? `[${endpoint.addresses[0]}]:${port.port}`
            : `${endpoint.addresses[0]}:${port.port}`,
        ),
      );
  });
  if (addresses.length === 0) return '';
  const shown = addresses.slice(0, most).join(',');
  return addresses.length > most ? `${shown} + ${addresses.length - most} more...` : shown;
}

export const describeService: Describe<Service> = async (call) => {
  const { lines, object, events, now, showEvents } = call;
  const { metadata, spec, status } = object;
  const slices = await slicesOf(call.session, metadata.namespace, metadata.name);
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  const selector = Object.entries(spec?.selector ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  lines.add(0, `Selector:\t${selector || '<none>'}`);
  lines.add(0, `Type:\t${spec?.type ?? ''}`);
  if (spec?.ipFamilyPolicy) lines.add(0, `IP Family Policy:\t${spec.ipFamilyPolicy}`);
  if (spec?.ipFamilies)
    lines.add(0, `IP Families:\t${spec.ipFamilies.length > 0 ? spec.ipFamilies.join(',') : '<none>'}`);
  lines.add(0, `IP:\t${spec?.clusterIP ?? ''}`);
  if (spec?.clusterIPs) lines.add(0, `IPs:\t${spec.clusterIPs.length > 0 ? spec.clusterIPs.join(',') : '<none>'}`);
  if (spec?.externalIPs?.length) lines.add(0, `External IPs:\t${spec.externalIPs.join(',')}`);
  if (spec?.loadBalancerIP) lines.add(0, `Desired LoadBalancer IP:\t${spec.loadBalancerIP}`);
  if (spec?.externalName) lines.add(0, `External Name:\t${spec.externalName}`);
  const ingress = (status?.loadBalancer?.ingress ?? []).map(
    (entry) => `${entry.ip ?? entry.hostname}${entry.ipMode ? ` (${entry.ipMode})` : ''}`,
  );
  if (ingress.length > 0) lines.add(0, `LoadBalancer Ingress:\t${ingress.join(', ')}`);
  for (const port of spec?.ports ?? []) {
    const name = port.name || '<unset>';
    lines.add(0, `Port:\t${name}\t${port.port}/${port.protocol ?? 'TCP'}`);
    const target = port.targetPort ?? port.port;
    lines.add(0, `TargetPort:\t${target}/${port.protocol ?? 'TCP'}`);
    if (spec?.type === 'NodePort' || spec?.type === 'LoadBalancer')
      lines.add(0, `NodePort:\t${name}\t${port.nodePort ?? 0}/${port.protocol ?? 'TCP'}`);
    lines.add(0, `Endpoints:\t${endpointText(slices, port.name ?? '')}`);
  }
  lines.add(0, `Session Affinity:\t${spec?.sessionAffinity ?? ''}`);
  if (spec?.externalTrafficPolicy) lines.add(0, `External Traffic Policy:\t${spec.externalTrafficPolicy}`);
  if (spec?.internalTrafficPolicy) lines.add(0, `Internal Traffic Policy:\t${spec.internalTrafficPolicy}`);
  if (spec?.trafficDistribution) lines.add(0, `Traffic Distribution:\t${spec.trafficDistribution}`);
  if (spec?.healthCheckNodePort) lines.add(0, `HealthCheck NodePort:\t${spec.healthCheckNodePort}`);
  if (spec?.loadBalancerSourceRanges?.length)
    lines.add(0, `LoadBalancer Source Ranges:\t${spec.loadBalancerSourceRanges.join(',')}`);
  if (showEvents) eventLines(lines, events, now);
};
