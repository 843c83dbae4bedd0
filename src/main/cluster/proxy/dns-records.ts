import type { EndpointSlice, Service } from '@shared/k8s';
import { clusterIpOf, inService, slicesByService } from './services';

/**
 * The cluster's names as a hosts file: `<service>.<namespace>.svc.<domain>` leads to
 * the cluster address, of headless services to the pods in service, whose host names
 * come before. Pure and in a stable order.
 */
export function renderRecords(services: readonly Service[], slices: readonly EndpointSlice[], domain: string): string {
  const groups = slicesByService(slices);
  const lines = new Set<string>();
  for (const service of services) {
    const { namespace, name } = service.metadata;
    const host = `${name}.${namespace}.svc.${domain}`;
    const clusterIp = clusterIpOf(service);
    if (clusterIp) lines.add(`${clusterIp} ${host}`);
    if (service.spec?.clusterIP !== 'None') continue;
    const endpoints = (groups.get(`${namespace}/${name}`) ?? []).flatMap((slice) => slice.endpoints ?? []);
    for (const endpoint of inService(endpoints)) {
      const ip = endpoint.addresses[0];
      if (!ip) continue;
      lines.add(`${ip} ${host}`);
      if (endpoint.hostname) lines.add(`${ip} ${endpoint.hostname}.${host}`);
    }
  }
  return [...lines]
    .sort()
    .map((line) => `${line}\n`)
    .join('');
}
