import { chmod, chown, mkdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join, normalize, relative, sep } from 'node:path';
import type { Container, Pod, Volume } from '@shared/k8s';
import { parseBytes } from '@shared/quantity';
import { writeAtomically, type ProjectedFile } from './atomic-directory';
import { domainOf, hostnameOf, podLabels } from './container-specs';
import { expandVariables } from './expand';
import { fieldValue, resourceValue, type FieldFacts } from './field-refs';
import { ConfigError, configMapBytes, secretBytes, type ObjectSource } from './objects';
import type { MountSpec, Runtime } from './runtime/types';

/** Where a volume is for the containers of a pod. */
type MountedVolume = { type: 'bind' | 'volume'; source: string; readOnly: boolean };

export interface VolumeContext {
  runtime: Runtime;
  /** The engine sees this host's directories. */
  local: boolean;
  /** Root of all pods' directories. */
  directory: string;
  objects: ObjectSource;
  facts: FieldFacts;
  clusterDomain: string;
  /** Told of every token that a volume holds when it is to be replaced, in ms since the epoch. */
  onToken(renewAt: number): void;
}

/** A volume that cannot be set up (yet). */
export class MountError extends Error {
  override name = 'MountError';
  constructor(
    readonly volume: string,
    readonly why: string,
  ) {
    super(`MountVolume.SetUp failed for volume "${volume}" : ${why}`);
  }
}

export const podDirectory = (root: string, uid: string): string => join(root, uid);

/** Volumes with the credentials of a pod's account, which admission adds. */
const isCredentials = (volume: Volume): boolean =>
  volume.projected !== undefined && volume.name.startsWith('kube-api-access-');

const needsLocal = (what: string): string =>
  `${what} needs a directory of this host and the Docker engine runs on another machine: connect to a local engine`;

/** The volumes of a pod. Those with its account's credentials may still be on their way. */
export interface MountedVolumes {
  byName: Map<string, MountedVolume>;
  /** Resolves when every volume is there; absent when they all are. @throws MountError */
  complete?: Promise<void>;
}

/**
 * Sets up (or refreshes) the volumes of a pod. Every pod has credentials and they hardly ever fail,
 * so that they are not waited for: a sandbox can be made meanwhile. @throws MountError
 */
export async function mountVolumes(pod: Pod, context: VolumeContext): Promise<MountedVolumes> {
  const byName = new Map<string, MountedVolume>();
  const mount = async (volume: Volume): Promise<void> => {
    try {
      byName.set(volume.name, await mountVolume(pod, volume, context));
    } catch (error) {
      if (error instanceof MountError) throw error;
      throw new MountError(volume.name, (error as Error).message);
    }
  };
  const volumes = pod.spec!.volumes ?? [];
  const credentials = volumes.filter(isCredentials);
  const complete = credentials.length > 0 ? Promise.all(credentials.map(mount)).then(() => {}) : undefined;
  // Whoever waits hears of a failure; nobody may have come to that yet.
  complete?.catch(() => {});
  for (const volume of volumes) if (!isCredentials(volume)) await mount(volume);
  return { byName, complete };
}

/** Files that follow an object are written anew when it changed. @throws MountError */
export async function refreshVolumes(pod: Pod, context: VolumeContext): Promise<void> {
  for (const volume of pod.spec!.volumes ?? []) {
    if (volume.configMap || volume.secret || volume.projected || volume.downwardAPI)
      await mountVolume(pod, volume, context);
  }
}

async function mountVolume(pod: Pod, volume: Volume, context: VolumeContext): Promise<MountedVolume> {
  const { name, emptyDir, hostPath } = volume;
  const real = context.runtime.kind !== 'simulated';
  if (!real && (emptyDir || hostPath)) return { type: 'volume', source: name, readOnly: false };
  const place = (plugin: string): string =>
    join(podDirectory(context.directory, pod.metadata.uid), 'volumes', `kubernetes.io~${plugin}`, name);

  if (emptyDir) {
    if (emptyDir.medium === 'Memory' || !context.local) {
      const source = `gantry-${pod.metadata.uid}-${name}`;
      const sizeBytes = parseBytes(emptyDir.sizeLimit) || undefined;
      const memory = emptyDir.medium === 'Memory' ? { sizeBytes } : undefined;
      await context.runtime.createVolume(source, podLabels(pod, context.facts.nodeName), memory);
      return { type: 'volume', source, readOnly: false };
    }
    const source = place('empty-dir');
    await mkdir(source, { recursive: true });
    await chmod(source, 0o777);
    await giveToGroup(source, pod);
    return { type: 'bind', source, readOnly: false };
  }
  // Without the account's token most pods work; they would not without their volume.
  if (!context.local && isCredentials(volume)) {
    const source = `gantry-${pod.metadata.uid}-${name}`;
    await context.runtime.createVolume(source, podLabels(pod, context.facts.nodeName));
    return { type: 'volume', source, readOnly: true };
  }
  if (!context.local) throw new MountError(name, needsLocal(hostPath ? 'hostPath' : 'this kind of volume'));
  if (hostPath) {
    await checkHostPath(hostPath.path, hostPath.type ?? '');
    return { type: 'bind', source: hostPath.path, readOnly: false };
  }
  const projection = projectionOf(volume);
  if (!projection)
    throw new MountError(
      name,
      'no volume plugin matched: emptyDir, hostPath, configMap, secret, downwardAPI and projected are supported',
    );
  const files = new Map<string, ProjectedFile>();
  for (const source of projection.sources) {
    for (const [path, file] of await filesOf(pod, source, projection.defaultMode, context)) files.set(path, file);
  }
  const source = place(projection.plugin);
  if (real) await writeAtomically(source, files);
  return { type: 'bind', source, readOnly: true };
}

type ProjectedSource = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

/** configMap, secret and downwardAPI volumes are projections of one source. */
function projectionOf(volume: Volume): { plugin: string; defaultMode: number; sources: ProjectedSource[] } | undefined {
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

async function filesOf(
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

function safePath(path: string): string {
  const clean = normalize(path).replaceAll('\\', '/');
  if (isAbsolute(clean) || clean.split('/').includes('..') || clean.startsWith('..'))
    throw new ConfigError(`invalid path: ${path}`);
  return clean;
}

async function checkHostPath(path: string, type: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (type === '') {
    // Docker refuses a bind of what is not there; kubelets leave it to the runtime, which makes a directory.
    if (!found) await mkdir(path, { recursive: true });
    return;
  }
  if (type === 'DirectoryOrCreate') {
    if (!found) await mkdir(path, { recursive: true, mode: 0o755 });
    else if (!found.isDirectory()) throw new ConfigError('hostPath type check failed: ' + path + ' is not a directory');
    return;
  }
  if (type === 'FileOrCreate') {
    if (!found) await writeFile(path, '', { mode: 0o644 });
    else if (!found.isFile()) throw new ConfigError('hostPath type check failed: ' + path + ' is not a file');
    return;
  }
  const checks: Record<string, [string, boolean | undefined]> = {
    Directory: ['directory', found?.isDirectory()],
    File: ['file', found?.isFile()],
    Socket: ['socket file', found?.isSocket()],
    CharDevice: ['character device', found?.isCharacterDevice()],
    BlockDevice: ['block device', found?.isBlockDevice()],
  };
  const check = checks[type];
  if (check && !check[1]) throw new ConfigError(`hostPath type check failed: ${path} is not a ${check[0]}`);
}

async function giveToGroup(path: string, pod: Pod): Promise<void> {
  const group = pod.spec!.securityContext?.fsGroup;
  if (group === undefined) return;
  try {
    await chown(path, -1, group);
    await chmod(path, 0o2777);
  } catch {
    // Only root may give files away; the directory is open to all in any case.
  }
}

/** What a container mounts, with subPaths resolved inside their volume. @throws ConfigError */
export async function mountsOf(
  pod: Pod,
  container: Container,
  volumes: Map<string, MountedVolume>,
  env: Map<string, string>,
): Promise<MountSpec[]> {
  const mounts: MountSpec[] = [];
  for (const mount of container.volumeMounts ?? []) {
    const volume = volumes.get(mount.name);
    if (!volume) throw new ConfigError(`volume "${mount.name}" of pod ${pod.metadata.name} is not mounted`);
    const subPath = mount.subPathExpr ? expandVariables(mount.subPathExpr, (name) => env.get(name)) : mount.subPath;
    if (subPath && volume.type === 'volume')
      throw new ConfigError(`subPath is not supported on the memory-backed volume "${mount.name}"`);
    mounts.push({
      type: volume.type,
      source: subPath ? await insideOf(volume.source, subPath, mount.name) : volume.source,
      containerPath: isAbsolute(mount.mountPath) ? mount.mountPath : `/${mount.mountPath}`,
      readOnly: mount.readOnly === true || volume.readOnly,
      ...(mount.mountPropagation === 'HostToContainer' ? { propagation: 'rslave' as const } : {}),
      ...(mount.mountPropagation === 'Bidirectional' ? { propagation: 'rshared' as const } : {}),
    });
  }
  return mounts;
}

async function insideOf(root: string, subPath: string, volume: string): Promise<string> {
  const wanted = join(root, safePath(subPath));
  if (!(await stat(wanted).catch(() => undefined))) await mkdir(wanted, { recursive: true, mode: 0o755 });
  const [real, realRoot] = await Promise.all([realpath(wanted), realpath(root)]);
  const inside = relative(realRoot, real);
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw new ConfigError(
      `failed to prepare subPath for volumeMount "${volume}" of container: subPath "${subPath}" leaves the volume`,
    );
  }
  return real;
}

/** The pod's /etc/hosts and a place for the container's last words, where the engine can see them. */
export async function managedMounts(
  pod: Pod,
  container: Container,
  restartCount: number,
  context: VolumeContext,
): Promise<MountSpec[]> {
  if (!context.local || context.runtime.kind === 'simulated') return [];
  const mounts: MountSpec[] = [];
  const own = podDirectory(context.directory, pod.metadata.uid);
  await mkdir(own, { recursive: true });
  const taken = new Set((container.volumeMounts ?? []).map((mount) => mount.mountPath));
  if (!pod.spec!.hostNetwork && !taken.has('/etc/hosts')) {
    const source = join(own, 'etc-hosts');
    await writeFile(source, hostsFile(pod, context), { mode: 0o644 });
    mounts.push({ type: 'bind', source, containerPath: '/etc/hosts', readOnly: false });
  }
  const source = terminationFile(context.directory, pod.metadata.uid, container.name, restartCount);
  await mkdir(join(source, '..'), { recursive: true });
  await writeFile(source, '');
  await chmod(source, 0o666);
  mounts.push({
    type: 'bind',
    source,
    containerPath: container.terminationMessagePath || '/dev/termination-log',
    readOnly: false,
  });
  return mounts;
}

export const terminationFile = (root: string, uid: string, container: string, restartCount: number): string =>
  join(podDirectory(root, uid), 'containers', container, `termination-${restartCount}`);

function hostsFile(pod: Pod, context: VolumeContext): string {
  const hostname = hostnameOf(pod);
  const domain = domainOf(pod, context.clusterDomain);
  const aliases = pod.spec!.hostAliases ?? [];
  return [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    `${context.facts.podIp}\t${domain ? `${hostname}.${domain}\t` : ''}${hostname}`,
    ...(aliases.length > 0 ? ['', '# Entries added by HostAliases.'] : []),
    ...aliases.map((alias) => `${alias.ip}\t${(alias.hostnames ?? []).join('\t')}`),
    '',
  ].join('\n');
}

/** Removes what the pod had on this host. */
export async function removePodDirectory(root: string, uid: string): Promise<void> {
  if (!uid) return;
  await rm(podDirectory(root, uid), { recursive: true, force: true });
}
