import type { Container, Pod } from '@shared/k8s';
import { isAbsolute, join, normalize } from 'node:path';
import { ConfigError } from './objects';
import { podLabel, specContainers } from './pod-view';
import type { ContainerSpec, ImageInfo } from './runtime/types';

/** Reads a file of this host as text. Rejects as fs does. */
export type ReadText = (path: string) => Promise<string>;

type Confinement = Pick<ContainerSpec, 'seccomp' | 'appArmor' | 'unmaskedProc'>;

/**
 * How the kernel is to confine a container beyond what the engine does by default, which is also what
 * RuntimeDefault and nothing at all stand for.
 * @param directory where seccomp profiles of type Localhost are
 * @throws ConfigError when such a profile cannot be read
 */
export async function confinementOf(
  pod: Pod,
  container: Container,
  directory: string,
  read: ReadText,
): Promise<Confinement> {
  const security = container.securityContext ?? {};
  const podSecurity = pod.spec!.securityContext ?? {};
  const confinement: Confinement = {};
  const seccomp = security.seccompProfile ?? podSecurity.seccompProfile;
  if (seccomp?.type === 'Unconfined') confinement.seccomp = 'unconfined';
  if (seccomp?.type === 'Localhost')
    confinement.seccomp = await seccompProfile(seccomp.localhostProfile ?? '', directory, read);
  const appArmor = security.appArmorProfile ?? podSecurity.appArmorProfile;
  if (appArmor?.type === 'Unconfined') confinement.appArmor = 'unconfined';
  if (appArmor?.type === 'Localhost' && appArmor.localhostProfile) confinement.appArmor = appArmor.localhostProfile;
  if (security.procMount === 'Unmasked') confinement.unmaskedProc = true;
  return confinement;
}

/** Whether a pod insists on being confined by AppArmor, if only as the engine does by default. */
export const needsAppArmor = (pod: Pod): boolean =>
  [pod.spec!, ...specContainers(pod)].some(({ securityContext }) => {
    const type = securityContext?.appArmorProfile?.type;
    return type !== undefined && type !== 'Unconfined';
  });

async function seccompProfile(name: string, directory: string, read: ReadText): Promise<string> {
  const path = join(directory, name);
  const outside = isAbsolute(name) || normalize(name).startsWith('..');
  try {
    if (outside) throw new Error('it is not below the directory of profiles');
    // The engine wants it in one line of the request and says less clearly what is wrong with it.
    return JSON.stringify(JSON.parse(await read(path)));
  } catch (error) {
    throw new ConfigError(`cannot load seccomp profile "${path}": ${(error as Error).message}`);
  }
}

/** `uid[:gid]`, or undefined for the image's own. @throws ConfigError when it would be root and may not */
export function userOf(pod: Pod, container: Container, image: ImageInfo): string | undefined {
  const security = { ...pod.spec!.securityContext, ...container.securityContext };
  const { runAsUser, runAsGroup, runAsNonRoot } = security;
  const imageUser = image.user.split(':')[0] ?? '';
  if (runAsNonRoot) {
    if (runAsUser === 0)
      throw new ConfigError(
        `container's runAsUser breaks non-root policy (pod: "${podLabel(pod)}", container: ${container.name})`,
      );
    if (runAsUser === undefined && (imageUser === '' || imageUser === '0' || imageUser === 'root')) {
      throw new ConfigError(
        `container has runAsNonRoot and image will run as root (pod: "${podLabel(pod)}", container: ${container.name})`,
      );
    }
    if (runAsUser === undefined && !/^\d+$/.test(imageUser)) {
      throw new ConfigError(
        `container has runAsNonRoot and image has non-numeric user (${imageUser}), cannot verify user is non-root (pod: "${podLabel(pod)}", container: ${container.name})`,
      );
    }
  }
  if (runAsUser === undefined && runAsGroup === undefined) return undefined;
  const user = runAsUser ?? (imageUser || '0');
  return runAsGroup === undefined ? String(user) : `${user}:${runAsGroup}`;
}
