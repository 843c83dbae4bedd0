/**
 * How the server merges lists of the built-in kinds. Facts of the Kubernetes API:
 * which lists have a merge key, which are sets, which maps replace unknown fields.
 */
const keys: Record<string, string> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
  imagePullSecrets: 'name',
  secrets: 'name',
  hostAliases: 'ip',
  topologySpreadConstraints: 'topologyKey',
  resourceClaims: 'name',
  schedulingGates: 'name',
  conditions: 'type',
  ownerReferences: 'uid',
  podIPs: 'ip',
  hostIPs: 'ip',
  webhooks: 'name',
};

const containerLists = new Set(['containers', 'initContainers', 'ephemeralContainers']);

/**
 * The merge key of a list, undefined for lists that are replaced whole.
 * @param path the fields that lead to it; list items have no step of their own
 */
export function mergeKey(kind: string, path: readonly string[]): string | undefined {
  const field = path.at(-1) ?? '';
  if (field === 'ports') {
    if (containerLists.has(path.at(-2) ?? '')) return 'containerPort';
    return kind === 'Service' && path.length === 2 ? 'port' : undefined;
  }
  // Outside of pods and metadata these names mean other things.
  if (field === 'volumes' && path.at(-2) !== 'spec') return undefined;
  if (field === 'secrets' && kind !== 'ServiceAccount') return undefined;
  return Object.hasOwn(keys, field) ? keys[field] : undefined;
}

/** Lists of plain values that are merged as sets. */
export const isSet = (path: readonly string[]): boolean => path.join('.') === 'metadata.finalizers';

/** Maps of which a change of kind removes what the new one does not name. */
export function retainsKeys(kind: string, path: readonly string[]): boolean {
  const field = path.at(-1);
  if (field === 'strategy') return kind === 'Deployment' && path.length === 2;
  return field === 'volumes' && path.at(-2) === 'spec';
}
