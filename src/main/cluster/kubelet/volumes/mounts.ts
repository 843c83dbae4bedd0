import { chmod, mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { Container, Pod } from '@shared/k8s';
import { domainOf, hostnameOf } from '../container-specs';
import { expandVariables } from '../expand';
import { ConfigError } from '../objects';
import { isUnreachable } from '../runtime/docker-errors';
import type { MountSource, MountSpec, Runtime } from '../runtime/types';
import { groupOf } from './ownership';
import { podDirectory, terminationFile } from './paths';
import { safePath } from './projected';
import type { MountedVolume, VolumeContext } from './types';

/** What a container mounts, with subPaths resolved inside their volume. @throws ConfigError */
export async function mountsOf(
  pod: Pod,
  container: Container,
  volumes: ReadonlyMap<string, MountedVolume>,
  env: Map<string, string>,
  runtime: Pick<Runtime, 'partOfVolume'>,
): Promise<MountSpec[]> {
  const mounts: MountSpec[] = [];
  for (const mount of container.volumeMounts ?? []) {
    const volume = volumes.get(mount.name);
    if (!volume) throw new ConfigError(`volume "${mount.name}" of pod ${pod.metadata.name} is not mounted`);
    const subPath = mount.subPathExpr ? expandVariables(mount.subPathExpr, (name) => env.get(name)) : mount.subPath;
    mounts.push({
      ...(await partOf(volume, { subPath, name: mount.name, group: groupOf(pod) }, runtime)),
      containerPath: isAbsolute(mount.mountPath) ? mount.mountPath : `/${mount.mountPath}`,
      readOnly: mount.readOnly === true || volume.readOnly,
      ...(mount.mountPropagation === 'HostToContainer' ? { propagation: 'rslave' as const } : {}),
      ...(mount.mountPropagation === 'Bidirectional' ? { propagation: 'rshared' as const } : {}),
    });
  }
  return mounts;
}

async function partOf(
  volume: MountedVolume,
  { subPath, name, group }: { subPath: string | undefined; name: string; group: number | undefined },
  runtime: Pick<Runtime, 'partOfVolume'>,
): Promise<MountSource> {
  const { type, source } = volume;
  if (!subPath) return { type, source };
  if (type === 'bind') return { type, source: await insideOf(source, subPath, name) };
  try {
    return (await runtime.partOfVolume?.(source, safePath(subPath), group)) ?? { type, source };
  } catch (error) {
    if (isUnreachable(error)) throw error;
    throw new ConfigError(
      `failed to prepare subPath for volumeMount "${name}" of container: ${(error as Error).message}`,
    );
  }
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
  // On the host's network the host's names hold, with those that the pod adds.
  const aliased = (pod.spec!.hostAliases?.length ?? 0) > 0;
  if ((!pod.spec!.hostNetwork || aliased) && !taken.has('/etc/hosts')) {
    const source = join(own, 'etc-hosts');
    const names = pod.spec!.hostNetwork ? await readFile('/etc/hosts', 'utf8').catch(() => '') : podNames(pod, context);
    await writeFile(source, `${hostsHeader}\n${names}${aliasesOf(pod)}`, { mode: 0o644 });
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

const hostsHeader = '# Kubernetes-managed hosts file.';

function podNames(pod: Pod, context: VolumeContext): string {
  const hostname = hostnameOf(pod);
  const domain = domainOf(pod, context.clusterDomain);
  return [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    `${context.facts.podIp}\t${domain ? `${hostname}.${domain}\t` : ''}${hostname}`,
    '',
  ].join('\n');
}

function aliasesOf(pod: Pod): string {
  const aliases = pod.spec!.hostAliases ?? [];
  if (aliases.length === 0) return '';
  const lines = aliases.map((alias) => `${alias.ip}\t${(alias.hostnames ?? []).join('\t')}`);
  return ['', '# Entries added by HostAliases.', ...lines, ''].join('\n');
}
