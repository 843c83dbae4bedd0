import { isAbsolute, normalize } from 'node:path';
import type { Pod, Volume } from '@shared/k8s';
import type { ProjectedFile } from '../atomic-directory';
import { fieldValue, resourceValue } from '../field-refs';
import { ConfigError, configMapBytes, secretBytes } from '../objects';
import type { VolumeContext } from './types';

type ProjectedSource = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

/** configMap, secret and downwardAPI volumes are projections of one source. */
export function projectionOf(
  volume: Volume,
): { plugin: string; defaultMode: number; sources: ProjectedSource[] } | undefined {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) return { plugin: 'configmap', defaultMode: configMap.defaultMode ?? 0o644, sources: [{ configMap }] };
  if (secret) {
    const source = { name: secret.secretName, items: secret.items, optional: secret.optional };
    return { plugin: 'secret', defaultMode: secret.defaultMode ?? 0o644, sources: [{ secret: source }] };
  }
  if (downwardAPI)
    return { plugin: 'downward-api', defaultMode: downwardAPI.defaultMode ?? 0o644, sources: [{ downwardAPI }] };
  if (projected)
    return { plugin: 'projected', defaultMode: projected.defaultMode ?? 0o644, sources: projected.sources ?? [] };
  return undefined;
}

/** The files that a source stands for, by path. @throws ConfigError when what it names is not there */
export async function filesOf(
  pod: Pod,
  source: ProjectedSource,
  defaultMode: number,
  context: VolumeContext,
): Promise<Map<string, ProjectedFile>> {
  const namespace = pod.metadata.namespace!;
  if (source.configMap) {
    const { name, items, optional } = source.configMap;
    const object = await context.objects.configMap(namespace, name!);
    if (!object && !optional) throw new ConfigError(`configmap "${name}" not found`);
    return pick(object ? configMapBytes(object) : new Map(), items, defaultMode, optional || !object);
  }
  if (source.secret) {
    const { name, items, optional } = source.secret;
    const object = await context.objects.secret(namespace, name!);
    if (!object && !optional) throw new ConfigError(`secret "${name}" not found`);
    return pick(object ? secretBytes(object) : new Map(), items, defaultMode, optional || !object);
  }
  const files = new Map<string, ProjectedFile>();
  if (source.serviceAccountToken && context.runtime.kind !== 'simulated') {
    const { path, audience, expirationSeconds } = source.serviceAccountToken;
    const { text, renewAt } = await context.objects.token(pod, { audience, expirationSeconds });
    context.onToken(renewAt);
    files.set(safePath(path), { data: Buffer.from(text), mode: defaultMode });
  }
  for (const item of source.downwardAPI?.items ?? []) {
    const text = item.fieldRef
      ? fieldValue(pod, item.fieldRef.fieldPath, context.facts)
      : item.resourceFieldRef
        ? resourceValue(pod, undefined, item.resourceFieldRef, context.facts)
        : '';
    files.set(safePath(item.path), { data: Buffer.from(text), mode: item.mode ?? defaultMode });
  }
  return files;
}

function pick(
  bytes: Map<string, Buffer>,
  items: { key: string; path: string; mode?: number }[] | undefined,
  defaultMode: number,
  optional: boolean | undefined,
): Map<string, ProjectedFile> {
  if (!items?.length) return new Map([...bytes].map(([key, data]) => [key, { data, mode: defaultMode }]));
  const files = new Map<string, ProjectedFile>();
  for (const { key, path, mode } of items) {
    const data = bytes.get(key);
    if (!data) {
      if (optional) continue;
      throw new ConfigError(`references non-existent config key: ${key}`);
    }
    files.set(safePath(path), { data, mode: mode ?? defaultMode });
  }
  return files;
}

/** A relative path that stays below its root. @throws ConfigError */
export function safePath(path: string): string {
  const clean = normalize(path).replaceAll('\\', '/');
  if (isAbsolute(clean) || clean.split('/').includes('..') || clean.startsWith('..'))
    throw new ConfigError(`invalid path: ${path}`);
  return clean;
}
