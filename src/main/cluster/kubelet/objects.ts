import type { ConfigMap, Secret, Service } from '@shared/k8s';

/** The objects a pod may refer to, read fresh from the API. Undefined when there is none. */
export interface ObjectSource {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
  services(namespace: string): Service[];
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
