import type { ConfigMap, KubeObject, PersistentVolume, PersistentVolumeClaim, Pod, Secret, Service } from '@shared/k8s';
import { claimNamesOf } from '@shared/pod-claims';
import { isNotFound } from '../client/controller';
import { resources } from '../client/resources';
import type { InformerFactory, KubeClient, ResourceRef } from '../client/types';
import type { Clock } from '../clock';
import type { ObjectSource } from './objects';
import { specContainers } from './pod-view';
import { createPodTokens } from './pod-tokens';

/**
 * Reads from the API what pods refer to, so that a pod made right after its
 * ConfigMap sees it. Services come from the cache: their variables are a snapshot in any case.
 */
export function createObjectSource(client: KubeClient, informers: InformerFactory, clock: Clock): ObjectSource {
  const services = informers.informer<Service>(resources.services);
  const pods = informers.informer<Pod>(resources.pods);
  const nodes = informers.informer(resources.nodes);
  const read = async <T extends KubeObject>(
    ref: ResourceRef<T>,
    namespace: string | undefined,
    name: string,
  ): Promise<T | undefined> => {
    try {
      return await client.get(ref, namespace, name);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  return {
    configMap: (namespace, name) => read<ConfigMap>(resources.configMaps, namespace, name),
    secret: (namespace, name) => read<Secret>(resources.secrets, namespace, name),
    claim: (namespace, name) => read<PersistentVolumeClaim>(resources.persistentVolumeClaims, namespace, name),
    persistentVolume: (name) => read<PersistentVolume>(resources.persistentVolumes, undefined, name),
    podsOfClaim: (namespace, name) =>
      pods
        .list(namespace)
        .filter(
          (pod) =>
            pod.spec?.nodeName &&
            pod.status?.phase !== 'Succeeded' &&
            pod.status?.phase !== 'Failed' &&
            claimNamesOf(pod).includes(name),
        ),
    node: (name) => nodes.get(undefined, name),
    services(namespace) {
      const own = services.list(namespace);
      const kubernetes = namespace === 'default' ? undefined : services.get('default', 'kubernetes');
      return kubernetes ? [kubernetes, ...own] : own;
    },
    token: createPodTokens(client, clock),
  };
}

/** Whether a pod's environment or volumes name the object. */
export function refersTo(pod: Pod, kind: 'ConfigMap' | 'Secret', name: string): boolean {
  const spec = pod.spec!;
  const containers = specContainers(pod);
  const sources = (spec.volumes ?? []).flatMap((volume) => [volume, ...(volume.projected?.sources ?? [])]);
  if (kind === 'ConfigMap') {
    return (
      sources.some((source) => source.configMap?.name === name) ||
      containers.some(
        (container) =>
          container.envFrom?.some((from) => from.configMapRef?.name === name) ||
          container.env?.some((variable) => variable.valueFrom?.configMapKeyRef?.name === name),
      )
    );
  }
  return (
    (spec.volumes ?? []).some((volume) => volume.secret?.secretName === name) ||
    (spec.volumes ?? []).some((volume) => volume.projected?.sources?.some((source) => source.secret?.name === name)) ||
    (spec.imagePullSecrets ?? []).some((secret) => secret.name === name) ||
    containers.some(
      (container) =>
        container.envFrom?.some((from) => from.secretRef?.name === name) ||
        container.env?.some((variable) => variable.valueFrom?.secretKeyRef?.name === name),
    )
  );
}
