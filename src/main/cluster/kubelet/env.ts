import type { Container, Pod, Service } from '@shared/k8s';
import { expandVariables } from './expand';
import { fieldValue, resourceValue, type FieldFacts } from './field-refs';
import { ConfigError, configMapBytes, secretBytes, type ObjectSource } from './objects';

const missing = (kind: 'configmap' | 'secret', name: string): ConfigError =>
  new ConfigError(`${kind} "${name}" not found`);

/**
 * The environment of a container: services, then envFrom, then env, with `$(NAME)`
 * in values replaced by what stands before. In the order of definition.
 * @throws ConfigError in Kubernetes' words for what is missing
 */
export async function resolveEnv(
  pod: Pod,
  container: Container,
  objects: ObjectSource,
  facts: FieldFacts,
): Promise<Map<string, string>> {
  const namespace = pod.metadata.namespace!;
  const env = new Map<string, string>();
  const services = pod.spec!.enableServiceLinks === false ? [] : objects.services(namespace);
  const serviceEnv = serviceVariables(services);

  for (const source of container.envFrom ?? []) {
    const prefix = source.prefix ?? '';
    const { configMapRef, secretRef } = source;
    let bytes: Map<string, Buffer> | undefined;
    if (configMapRef) {
      const object = await objects.configMap(namespace, configMapRef.name!);
      if (!object && !configMapRef.optional) throw missing('configmap', configMapRef.name!);
      bytes = object && new Map(Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value)]));
    } else if (secretRef) {
      const object = await objects.secret(namespace, secretRef.name!);
      if (!object && !secretRef.optional) throw missing('secret', secretRef.name!);
      bytes = object && secretBytes(object);
    }
    for (const [key, value] of bytes ?? []) env.set(prefix + key, value.toString());
  }

  for (const variable of container.env ?? []) {
    const { name, valueFrom } = variable;
    if (!valueFrom) {
      const value = expandVariables(variable.value ?? '', (other) => env.get(other) ?? serviceEnv.get(other));
      env.delete(name);
      env.set(name, value);
      continue;
    }
    const value = await valueOf(pod, container, valueFrom, objects, facts);
    if (value !== undefined) env.set(name, value);
  }
  return new Map([...serviceEnv, ...env]);
}

type ValueSource = NonNullable<NonNullable<Container['env']>[number]['valueFrom']>;

async function valueOf(
  pod: Pod,
  container: Container,
  from: ValueSource,
  objects: ObjectSource,
  facts: FieldFacts,
): Promise<string | undefined> {
  const namespace = pod.metadata.namespace!;
  if (from.fieldRef) return fieldValue(pod, from.fieldRef.fieldPath, facts);
  if (from.resourceFieldRef) return resourceValue(pod, container, from.resourceFieldRef, facts);
  if (from.configMapKeyRef) {
    const { name, key, optional } = from.configMapKeyRef;
    const object = await objects.configMap(namespace, name!);
    if (!object) {
      if (optional) return undefined;
      throw missing('configmap', name!);
    }
    const value = configMapBytes(object).get(key);
    if (value === undefined && !optional)
      throw new ConfigError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    return value?.toString();
  }
  if (from.secretKeyRef) {
    const { name, key, optional } = from.secretKeyRef;
    const object = await objects.secret(namespace, name!);
    if (!object) {
      if (optional) return undefined;
      throw missing('secret', name!);
    }
    const value = secretBytes(object).get(key);
    if (value === undefined && !optional)
      throw new ConfigError(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    return value?.toString();
  }
  return undefined;
}

/** The variables that tell of a namespace's services: WEB_SERVICE_HOST, WEB_PORT_80_TCP … */
export function serviceVariables(services: Service[]): Map<string, string> {
  const env = new Map<string, string>();
  for (const service of services) {
    const ip = service.spec?.clusterIP;
    const ports = service.spec?.ports ?? [];
    if (!ip || ip === 'None' || ports.length === 0) continue;
    const name = service.metadata.name.toUpperCase().replaceAll('-', '_');
    env.set(`${name}_SERVICE_HOST`, ip);
    env.set(`${name}_SERVICE_PORT`, String(ports[0]!.port));
    for (const port of ports) {
      if (port.name) env.set(`${name}_SERVICE_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`, String(port.port));
    }
    const host = ip.includes(':') ? `[${ip}]` : ip;
    for (const [index, port] of ports.entries()) {
      const protocol = (port.protocol ?? 'TCP').toLowerCase();
      const url = `${protocol}://${host}:${port.port}`;
      if (index === 0) env.set(`${name}_PORT`, url);
      const prefix = `${name}_PORT_${port.port}_${protocol.toUpperCase()}`;
      env.set(prefix, url);
      env.set(`${prefix}_PROTO`, protocol);
      env.set(`${prefix}_PORT`, String(port.port));
      env.set(`${prefix}_ADDR`, ip);
    }
  }
  return env;
}
