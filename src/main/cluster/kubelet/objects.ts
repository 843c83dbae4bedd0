import type { ConfigMap, Node, PersistentVolume, PersistentVolumeClaim, Pod, Secret, Service } from '@shared/k8s';

/** The objects a pod may refer to, read fresh from the API. Undefined when there is none. */
export interface ObjectSource {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
  claim(namespace: string, name: string): Promise<PersistentVolumeClaim | undefined>;
  persistentVolume(name: string): Promise<PersistentVolume | undefined>;
  /** Pods of any node that are not over and mount the claim. */
  podsOfClaim(namespace: string, name: string): Pod[];
  node(name: string): Node | undefined;
  services(namespace: string): Service[];
  /** A token for the account of a pod, the same one until it is time for another. */
  token(pod: Pod, wanted: TokenProjection): Promise<PodToken>;
}

/** What a serviceAccountToken of a projected volume asks for. */
export interface TokenProjection {
  audience?: string;
  expirationSeconds?: number;
}

export interface PodToken {
  text: string;
  /** When it is to be replaced, in ms since the epoch. */
  renewAt: number;
}

/** A container cannot be made of what the spec refers to. The message is Kubernetes'. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** The bytes of a ConfigMap by key. */
export function configMapBytes(object: ConfigMap): Map<string, Buffer> {
  const entries = Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value)] as const);
  const binary = Object.entries(object.binaryData ?? {}).map(
    ([key, value]) => [key, Buffer.from(value, 'base64')] as const,
  );
  return new Map([...entries, ...binary]);
}

/** The bytes of a Secret by key. */
export function secretBytes(object: Secret): Map<string, Buffer> {
  return new Map(Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
}
