import type { Container, Pod } from '@shared/k8s';
import { parseQuantity } from '@shared/quantity';
import { ConfigError } from './objects';

export interface FieldFacts {
  nodeName: string;
  hostIp: string;
  podIp: string;
  /** What a container without limits may use: cpu in cores, memory and ephemeral-storage in bytes. */
  allocatable: { cpu: number; memory: number; 'ephemeral-storage': number };
}

const mapText = (map: Record<string, string> | undefined): string =>
  Object.keys(map ?? {})
    .sort()
    .map((key) => `${key}=${JSON.stringify(map![key])}`)
    .join('\n');

/** The value of a downward API field. @throws ConfigError for a path that is not supported */
export function fieldValue(pod: Pod, path: string, facts: FieldFacts): string {
  const { metadata } = pod;
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (subscript) return metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2]!] ?? '';
  switch (path) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    case 'metadata.uid':
      return metadata.uid;
    case 'metadata.labels':
      return mapText(metadata.labels);
    case 'metadata.annotations':
      return mapText(metadata.annotations);
    case 'spec.nodeName':
      return facts.nodeName;
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? 'default';
    case 'status.hostIP':
    case 'status.hostIPs':
      return facts.hostIp;
    case 'status.podIP':
    case 'status.podIPs':
      return facts.podIp;
    default:
      throw new ConfigError(`unsupported fieldPath: ${path}`);
  }
}

/** A container's request or limit as a whole number of divisors, rounded up. @throws ConfigError */
export function resourceValue(
  pod: Pod,
  container: Container | undefined,
  ref: { containerName?: string; resource: string; divisor?: string },
  facts: FieldFacts,
): string {
  const all = [...pod.spec!.containers, ...(pod.spec!.initContainers ?? [])];
  const target = ref.containerName ? all.find((one) => one.name === ref.containerName) : container;
  if (!target) throw new ConfigError(`container ${ref.containerName ?? ''} not found`);
  const [kind, name] = ref.resource.split(/\.(.*)/s) as ['limits' | 'requests', keyof FieldFacts['allocatable']];
  if (!['limits', 'requests'].includes(kind) || !name)
    throw new ConfigError(`unsupported container resource : ${ref.resource}`);
  const written = target.resources?.[kind]?.[name];
  const fallback = kind === 'limits' ? (facts.allocatable[name] ?? 0) : 0;
  const value = written === undefined ? fallback : parseQuantity(written);
  const divisor = parseQuantity(ref.divisor) || 1;
  return String(Math.ceil(Number((value / divisor).toPrecision(12))));
}
