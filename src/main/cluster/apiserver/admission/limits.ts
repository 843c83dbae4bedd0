import type { LimitRange, PersistentVolumeClaim, Pod } from '@shared/k8s';
import { podLimits, podRequests, type Resources } from '@shared/pod-resources';
import { formatCpuMillis, formatQuantity, parseQuantity } from '@shared/quantity';
import { limitRangeItems, type LimitRangeItem } from '../../api/core/limitrange';

type Quantities = Readonly<Record<string, string>>;

/** What a pod or a claim does not keep to, in the words of Kubernetes. */
export function limitComplaints(range: LimitRange, object: Pod | PersistentVolumeClaim): string[] {
  if (object.kind === 'PersistentVolumeClaim') {
    const requests = (object as PersistentVolumeClaim).spec?.resources?.requests ?? {};
    return limitRangeItems(range)
      .filter(({ type }) => type === 'PersistentVolumeClaim')
      .flatMap((item) => claimComplaints(item, requests));
  }
  const { spec } = object as Pod;
  return limitRangeItems(range).flatMap((item) => {
    if (item.type === 'Container') {
      return [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].flatMap(({ resources }) =>
        complaintsOf(item, resources?.requests ?? {}, resources?.limits ?? {}),
      );
    }
    if (item.type === 'Pod') return complaintsOf(item, asQuantities(podRequests(spec)), asQuantities(podLimits(spec)));
    return [];
  });
}

const asQuantities = (resources: Resources): Quantities =>
  Object.fromEntries(
    Object.entries(resources).map(([name, value]) => [
      name,
      name === 'cpu' ? formatCpuMillis(value) : formatQuantity(value, 'BinarySI'),
    ]),
  );

function complaintsOf(item: LimitRangeItem, requests: Quantities, limits: Quantities): string[] {
  return [
    ...each(item.min, (name, least) => minimum(item, name, least, requests[name], limits[name])),
    ...each(item.max, (name, most) => maximum(item, name, most, requests[name], limits[name])),
    ...each(item.maxLimitRequestRatio, (name, ratio) => ratioOf(item, name, ratio, requests[name], limits[name])),
  ];
}

function claimComplaints(item: LimitRangeItem, requests: Quantities): string[] {
  return [
    ...each(item.min, (name, least) => minimum(item, name, least, requests[name], undefined)),
    ...each(item.max, (name, most) => {
      const words = `maximum ${name} usage per ${item.type} is ${most}`;
      const request = requests[name];
      if (request === undefined) return `${words}.  No request is specified`;
      return more(request, most) ? `${words}, but request is ${request}` : undefined;
    }),
  ];
}

const each = (
  bounds: Quantities | undefined,
  complain: (name: string, bound: string) => string | undefined,
): string[] => Object.entries(bounds ?? {}).flatMap(([name, bound]) => complain(name, bound) ?? []);

const more = (a: string, b: string): boolean => parseQuantity(a) > parseQuantity(b);

function minimum(
  { type }: LimitRangeItem,
  name: string,
  least: string,
  request?: string,
  limit?: string,
): string | undefined {
  const words = `minimum ${name} usage per ${type} is ${least}`;
  if (request === undefined) return `${words}.  No request is specified`;
  if (more(least, request)) return `${words}, but request is ${request}`;
  return limit !== undefined && more(least, limit) ? `${words}, but limit is ${limit}` : undefined;
}

function maximum(
  { type }: LimitRangeItem,
  name: string,
  most: string,
  request?: string,
  limit?: string,
): string | undefined {
  const words = `maximum ${name} usage per ${type} is ${most}`;
  if (limit === undefined) return `${words}.  No limit is specified`;
  if (more(limit, most)) return `${words}, but limit is ${limit}`;
  return request !== undefined && more(request, most) ? `${words}, but request is ${request}` : undefined;
}

function ratioOf(
  { type }: LimitRangeItem,
  name: string,
  ratio: string,
  request = '0',
  limit = '0',
): string | undefined {
  const words = `${name} max limit to request ratio per ${type} is ${ratio}`;
  if (parseQuantity(request) === 0) return `${words}, but no request is specified or request is 0`;
  if (parseQuantity(limit) === 0) return `${words}, but no limit is specified or limit is 0`;
  const observed = parseQuantity(limit) / parseQuantity(request);
  return observed > parseQuantity(ratio) ? `${words}, but provided ratio is ${observed.toFixed(6)}` : undefined;
}
