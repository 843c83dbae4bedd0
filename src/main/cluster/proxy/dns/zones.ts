import type { EndpointSlice, Pod, Service } from '@shared/k8s';
import { clusterIpOf, isIpv4, slicesByService, type Endpoint } from '../services';
import { reverseName, reverseZones } from './reverse';

/** What the cluster's DNS knows, as the version of Kubernetes' specification says it is to be found out. */
const specification = '1.1.0';

export interface DnsSources {
  services: readonly Service[];
  slices: readonly EndpointSlice[];
  pods: readonly Pod[];
  domain: string;
  /** CIDR of services' addresses. */
  serviceCidr: string;
  /** CIDR of the pods' network. */
  subnet: string;
  dnsIp: string;
}

/**
 * The records of the cluster's zones by zone, in the form of zone files without what
 * heads them, as https://github.com/kubernetes/dns/blob/master/docs/specification.md says:
 * A and SRV of services, of the ready endpoints of headless ones and of their host names; CNAME of
 * external names; A of pods; PTR of services and of endpoints of headless ones. Pure and in a stable order.
 * The set of zones depends on the networks alone.
 */
export function renderZones(sources: DnsSources): Record<string, string> {
  const { domain, services, slices, pods, serviceCidr, subnet } = sources;
  const forward = new Set([`ns.dns A ${sources.dnsIp}`, `dns-version TXT "${specification}"`]);
  const pointers = new Map(
    [...reverseZones(serviceCidr), ...reverseZones(subnet)].map((zone) => [zone, new Set<string>()]),
  );
  const point = (ip: string, host: string): void => {
    const name = reverseName(ip);
    for (const [zone, lines] of pointers)
      if (name.endsWith(`.${zone}`)) lines.add(`${name.slice(0, -zone.length - 1)} PTR ${host}.${domain}.`);
  };
  const groups = slicesByService(slices);
  for (const service of services) {
    const { namespace, name } = service.metadata;
    const host = `${name}.${namespace}.svc`;
    const { spec } = service;
    const clusterIp = clusterIpOf(service);
    if (spec?.type === 'ExternalName') {
      const target = spec.externalName?.replace(/\.$/, '') ?? '';
      if (isIpv4(target)) forward.add(`${host} A ${target}`);
      else if (isHost(target)) forward.add(`${host} CNAME ${target}.`);
    } else if (clusterIp) {
      forward.add(`${host} A ${clusterIp}`);
      for (const port of spec?.ports ?? []) addPort(forward, host, port, host);
      point(clusterIp, host);
    } else if (spec?.clusterIP === 'None') {
      for (const slice of groups.get(`${namespace}/${name}`) ?? []) {
        for (const endpoint of slice.endpoints ?? []) {
          const ip = endpoint.addresses[0];
          if (!ip || !isIpv4(ip) || endpoint.conditions?.ready === false) continue;
          const member = `${memberName(endpoint, ip)}.${host}`;
          forward.add(`${host} A ${ip}`).add(`${member} A ${ip}`);
          for (const port of slice.ports ?? []) addPort(forward, host, port, member);
          point(ip, member);
        }
      }
    }
  }
  for (const { metadata, status } of pods) {
    const ip = status?.podIP;
    if (!ip || status.phase === 'Succeeded' || status.phase === 'Failed' || !within(ip, subnet)) continue;
    forward.add(`${ip.replaceAll('.', '-')}.${metadata.namespace}.pod A ${ip}`);
  }
  const text = (lines: Set<string>): string =>
    [...lines]
      .sort()
      .map((line) => `${line}\n`)
      .join('');
  return {
    [domain]: text(forward),
    ...Object.fromEntries([...pointers].map(([zone, lines]) => [zone, text(lines)])),
  };
}

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const isHost = (name: string): boolean => name.length < 254 && name.split('.').every((one) => label.test(one));

/** An endpoint without a host name of its own is called by its address. */
function memberName({ hostname }: Endpoint, ip: string): string {
  return hostname && label.test(hostname) ? hostname : ip.replaceAll('.', '-');
}

/** SRV: of named ports by their name, and of all ports under the service's own name. */
function addPort(
  lines: Set<string>,
  host: string,
  { name, protocol = 'TCP', port }: { name?: string; protocol?: string; port?: number },
  target: string,
): void {
  if (!port) return;
  const data = `SRV 0 100 ${port} ${target}`;
  lines.add(`${host} ${data}`);
  if (name && label.test(name)) lines.add(`_${name}._${protocol.toLowerCase()}.${host} ${data}`);
}

const numberOf = (ip: string): number => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

function within(ip: string, cidr: string): boolean {
  const [base, prefix] = cidr.split('/');
  const size = 2 ** (32 - Number(prefix));
  return isIpv4(ip) && Math.floor(numberOf(ip) / size) === Math.floor(numberOf(base!) / size);
}
