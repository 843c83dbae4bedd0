import type { KubeObject, PersistentVolumeClaim, Pod, Service } from '@shared/k8s';
import { podLimits, podRequests } from '@shared/pod-resources';
import { formatCpuMillis, formatQuantity, parseBytes, parseCpuMillis } from '@shared/quantity';
import { storageClassOf } from '../core/volumes';

/** Amounts by the names that quotas use: CPU in millis, all else in whole units. */
export type Amounts = Record<string, number>;

/** A resource of the API by group ('' for core) and plural. */
export interface Counted {
  group: string;
  plural: string;
}

const storageClassInfix = '.storageclass.storage.k8s.io/';
/** Resources that have a name of their own beside `count/PLURAL`. */
const counted = new Set(['configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas']);

/** Of which resource a name in a quota's `hard` speaks: `count/deployments.apps`, `services.nodeports`, `limits.cpu`. */
export function countedBy(name: string): Counted {
  const own = /^count\/([^.]+)(?:\.(.+))?$/.exec(name);
  if (own) return { group: own[2] ?? '', plural: own[1]! };
  if (counted.has(name)) return { group: '', plural: name };
  if (/^services(\.|$)/.test(name)) return { group: '', plural: 'services' };
  const storage = name === 'requests.storage' || name === 'persistentvolumeclaims' || name.includes(storageClassInfix);
  return { group: '', plural: storage ? 'persistentvolumeclaims' : 'pods' };
}

/** The names of a quota by the resource of which they speak. */
export function namesByResource(names: readonly string[]): { resource: Counted; names: string[] }[] {
  const groups = new Map<string, { resource: Counted; names: string[] }>();
  for (const name of names) {
    const resource = countedBy(name);
    const key = `${resource.plural}.${resource.group}`;
    const group = groups.get(key);
    if (group) group.names.push(name);
    else groups.set(key, { resource, names: [name] });
  }
  return [...groups.values()];
}

/** An amount from a quantity. @throws Error when it is none */
export const amountOf = (name: string, quantity: string): number =>
  isCpu(name) ? parseCpuMillis(quantity) : parseBytes(quantity);

/** An amount as a quantity. */
export const formatAmount = (name: string, amount: number): string =>
  isCpu(name) ? formatCpuMillis(amount) : formatQuantity(amount, 'BinarySI');

const isCpu = (name: string): boolean => /^((requests|limits)\.)?cpu$/.test(name);

const known = new WeakMap<KubeObject, Amounts>();

/** What a stored object takes from quotas, remembered for as long as the object lives. */
export function usageOfStored(resource: Counted, object: KubeObject): Amounts {
  let usage = known.get(object);
  if (!usage) known.set(object, (usage = usageOf(resource, object)));
  return usage;
}

/** What an object takes from quotas. */
export function usageOf({ group, plural }: Counted, object: KubeObject): Amounts {
  const usage: Amounts = { [`count/${plural}${group ? `.${group}` : ''}`]: 1 };
  if (group !== '') return usage;
  if (plural === 'pods') addPod(usage, object as Pod);
  else if (plural === 'services') addService(usage, object as Service);
  else if (plural === 'persistentvolumeclaims') addClaim(usage, object as PersistentVolumeClaim);
  else if (counted.has(plural)) usage[plural] = 1;
  return usage;
}

/** A pod that has ended holds nothing but its name. */
function addPod(usage: Amounts, { spec, status }: Pod): void {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return;
  usage['pods'] = 1;
  for (const [name, amount] of Object.entries(podRequests(spec))) {
    usage[`requests.${name}`] = amount;
    if (/^(cpu|memory|ephemeral-storage|hugepages-.*)$/.test(name)) usage[name] = amount;
  }
  for (const [name, amount] of Object.entries(podLimits(spec))) {
    if (/^(cpu|memory|ephemeral-storage)$/.test(name)) usage[`limits.${name}`] = amount;
  }
}

function addService(usage: Amounts, { spec }: Service): void {
  usage['services'] = 1;
  const ports = spec?.ports ?? [];
  if (spec?.type === 'NodePort') usage['services.nodeports'] = ports.length;
  if (spec?.type !== 'LoadBalancer') return;
  usage['services.loadbalancers'] = 1;
  const all = spec.allocateLoadBalancerNodePorts !== false;
  usage['services.nodeports'] = all ? ports.length : ports.filter(({ nodePort }) => nodePort).length;
}

function addClaim(usage: Amounts, claim: PersistentVolumeClaim): void {
  const storage = parseBytes(claim.spec?.resources?.requests?.['storage']);
  usage['persistentvolumeclaims'] = 1;
  usage['requests.storage'] = storage;
  const storageClass = storageClassOf(claim);
  if (!storageClass) return;
  usage[`${storageClass}${storageClassInfix}persistentvolumeclaims`] = 1;
  usage[`${storageClass}${storageClassInfix}requests.storage`] = storage;
}
