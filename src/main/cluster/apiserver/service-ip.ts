import { randomInt } from 'node:crypto';
import type { KubeObject, Service } from '@shared/k8s';
import { needsHealthCheckNodePort } from '../api/core/service-reach';
import { apiError, invalid } from '../api/errors';
import type { Store } from '../store/types';
import type { AdmissionAttributes } from './admission';

const prefix = '/registry/core/services/';
const firstPort = 30_000;
const lastPort = 32_767;
const portRange = `${firstPort}-${lastPort}`;

/** Hands out cluster addresses and node ports. */
export interface ServiceAllocator {
  /**
   * For the create or update of a Service: completes what is left open and checks what is asked for.
   * What it took stays reserved until the request is over; then the store says what is in use.
   * @throws ApiError 422 when an address or port is taken or out of range
   */
  allocate(attributes: AdmissionAttributes): void;
  close(): void;
}

/**
 * Allocates from `cidr` (IPv4). Nothing is kept beside the Services themselves:
 * what is in use is read from the store and followed from there.
 */
export function createServiceAllocator(store: Store, cidr: string): ServiceAllocator {
  const range = parseCidr(cidr);
  const addresses = new Ownership();
  const ports = new Ownership();
  const record = (key: string, object: KubeObject | undefined, owned: boolean) => {
    const spec = (object as Service | undefined)?.spec;
    for (const address of clusterIps(spec)) addresses.set(address, key, owned);
    for (const port of spec?.ports ?? []) if (port.nodePort) ports.set(String(port.nodePort), key, owned);
    if (spec?.healthCheckNodePort) ports.set(String(spec.healthCheckNodePort), key, owned);
  };
  const { items, revision } = store.list(prefix);
  for (const item of items) record(item.key, item.value, true);
  const follow = store.watch(prefix, revision, (event) => {
    record(event.key, event.previous?.value, false);
    if (event.type === 'PUT') record(event.key, event.object.value, true);
  });

  return {
    close: () => follow.close(),
    allocate(attributes) {
      const { resource, object, namespace, onDone } = attributes;
      if (resource.definition.plural !== 'services' || resource.definition.group !== '') return;
      const service = object as Service;
      const key = resource.key(namespace, service.metadata.name);
      const refuse = (field: string, value: unknown, detail: string): never => {
        throw invalid(resource.definition, service.metadata.name, [{ type: 'Invalid', field, value, detail }]);
      };
      allocateAddress(service, key, addresses, range, cidr, onDone, refuse);
      allocatePorts(service, key, ports, onDone, refuse);
    },
  };
}

type Refuse = (field: string, value: unknown, detail: string) => never;

/** Who holds a value, by record and by reservations of requests under way. */
class Ownership {
  private readonly owners = new Map<string, string>();
  private readonly reserved = new Map<string, string>();

  set(value: string, key: string, owned: boolean): void {
    if (owned) this.owners.set(value, key);
    else if (this.owners.get(value) === key) this.owners.delete(value);
  }

  /** Whether someone else holds it. */
  taken(value: string, key: string): boolean {
    const owner = this.reserved.get(value) ?? this.owners.get(value);
    return owner !== undefined && owner !== key;
  }

  free(value: string): boolean {
    return !this.owners.has(value) && !this.reserved.has(value);
  }

  reserve(value: string, key: string, onDone: (callback: () => void) => void): void {
    if (this.reserved.has(value)) return;
    this.reserved.set(value, key);
    onDone(() => this.reserved.delete(value));
  }
}

function allocateAddress(
  service: Service,
  key: string,
  addresses: Ownership,
  range: Range,
  cidr: string,
  onDone: AdmissionAttributes['onDone'],
  refuse: Refuse,
): void {
  const spec = service.spec!;
  if (spec.type === 'ExternalName') return;
  const asked = spec.clusterIP || spec.clusterIPs?.[0];
  if (asked === 'None') {
    spec.clusterIP = 'None';
    spec.clusterIPs = ['None'];
    return;
  }
  const kubernetes = service.metadata.namespace === 'default' && service.metadata.name === 'kubernetes';
  const address = asked || (kubernetes ? format(range.first + 1) : pick(range, addresses));
  const failed = (why: string) => refuse('spec.clusterIPs', [address], `failed to allocate IP ${address}: ${why}`);
  const number = parseAddress(address);
  if (number === undefined || number <= range.first || number >= range.last) {
    failed(`the provided IP (${address}) is not in the valid range. The range of valid IPs is ${cidr}`);
  }
  if (addresses.taken(address, key)) failed('provided IP is already allocated');
  addresses.reserve(address, key, onDone);
  spec.clusterIP = address;
  spec.clusterIPs = [address];
}

function allocatePorts(
  service: Service,
  key: string,
  ports: Ownership,
  onDone: AdmissionAttributes['onDone'],
  refuse: Refuse,
): void {
  const spec = service.spec!;
  const wanted =
    spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
  for (const [index, port] of (spec.ports ?? []).entries()) {
    const field = `spec.ports[${index}].nodePort`;
    if (port.nodePort) {
      if (port.nodePort < firstPort || port.nodePort > lastPort) {
        refuse(
          field,
          port.nodePort,
          `provided port is not in the valid range. The range of valid ports is ${portRange}`,
        );
      }
      if (ports.taken(String(port.nodePort), key)) refuse(field, port.nodePort, 'provided port is already allocated');
      ports.reserve(String(port.nodePort), key, onDone);
    } else if (wanted) {
      port.nodePort = pickPort(ports);
      ports.reserve(String(port.nodePort), key, onDone);
    }
  }
  if (!needsHealthCheckNodePort(spec)) return;
  const asked = spec.healthCheckNodePort;
  const failed = (why: string): never =>
    refuse('spec.healthCheckNodePort', asked, `failed to allocate requested HealthCheck NodePort ${asked}: ${why}`);
  if (asked && (asked < firstPort || asked > lastPort))
    failed(`provided port is not in the valid range. The range of valid ports is ${portRange}`);
  if (asked && ports.taken(String(asked), key)) failed('provided port is already allocated');
  spec.healthCheckNodePort = asked || pickPort(ports);
  ports.reserve(String(spec.healthCheckNodePort), key, onDone);
}

interface Range {
  /** The network's own address and its last one; neither is handed out. */
  first: number;
  last: number;
}

function parseCidr(cidr: string): Range {
  const [address, bits] = cidr.split('/');
  const base = parseAddress(address ?? '');
  const size = 2 ** (32 - Number(bits));
  if (base === undefined || !(size >= 4 && size <= 2 ** 24)) throw new Error(`not a usable service CIDR: ${cidr}`);
  const first = base - (base % size);
  return { first, last: first + size - 1 };
}

function parseAddress(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((number, part) => number * 256 + Number(part), 0);
}

function format(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

/** A free address. The low ones are left to those who ask for a fixed one, as Kubernetes does. */
function pick(range: Range, addresses: Ownership): string {
  const size = range.last - range.first - 1;
  const low = Math.min(256, Math.max(16, Math.floor(size / 16)), size - 1);
  for (const [from, count] of [
    [range.first + 1 + low, size - low],
    [range.first + 1, low],
  ] as const) {
    const start = randomInt(count);
    for (let step = 0; step < count; step++) {
      const address = format(from + ((start + step) % count));
      if (addresses.free(address)) return address;
    }
  }
  throw apiError(500, 'InternalError', 'Internal error occurred: failed to allocate a serviceIP: range is full');
}

function pickPort(ports: Ownership): number {
  const count = lastPort - firstPort + 1;
  const start = randomInt(count);
  for (let step = 0; step < count; step++) {
    const port = firstPort + ((start + step) % count);
    if (ports.free(String(port))) return port;
  }
  throw apiError(500, 'InternalError', 'Internal error occurred: failed to allocate a nodePort: range is full');
}

function clusterIps(spec: Service['spec']): string[] {
  const all = spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : []);
  return all.filter((address) => address !== '' && address !== 'None');
}
