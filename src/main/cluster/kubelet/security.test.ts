import { describe, expect, it } from 'vitest';
import type { Container, Pod, PodSpec } from '@shared/k8s';
import { Admission } from './admission';
import { containerOptions } from './runtime/docker-specs';
import type { ContainerSpec } from './runtime/types';
import { confinementOf } from './security';

type Profile = { type: string; localhostProfile?: string };
const confined = (profile: Profile | undefined): object =>
  profile ? { securityContext: { appArmorProfile: profile } } : {};
const podOf = (spec: object): Pod =>
  ({ metadata: { name: 'p', uid: 'p' }, spec: { containers: [], ...spec } }) as unknown as Pod;

/** What the engine is asked for a container, of the pod's profile and its own. */
async function asked(ofPod: Profile | undefined, own?: Profile): Promise<string[]> {
  const container = { name: 'main', ...confined(own) } as Container;
  const files: Record<string, string> = { '/profiles/some.json': '{\n}' };
  const confinement = await confinementOf(podOf(confined(ofPod)), container, '/profiles', async (path) => files[path]!);
  const rest = { resources: { cpuShares: 2 }, mounts: [], oomScoreAdj: 0 };
  return containerOptions({ ...rest, ...confinement } as unknown as ContainerSpec).HostConfig!.SecurityOpt!;
}

describe('AppArmor', () => {
  const localhost = { type: 'Localhost', localhostProfile: 'k8s-deny' };

  it.each([
    ['nothing', undefined, undefined, []],
    ["the engine's own profile", { type: 'RuntimeDefault' }, undefined, []],
    ['no profile', { type: 'Unconfined' }, undefined, ['apparmor=unconfined']],
    ['a profile of the machine', localhost, undefined, ['apparmor=k8s-deny']],
    ["the container's before the pod's", { type: 'Unconfined' }, localhost, ['apparmor=k8s-deny']],
    ["the container's default before the pod's", localhost, { type: 'RuntimeDefault' }, []],
  ])('asks the engine for %s', async (_what, ofPod, own, expected) => {
    expect(await asked(ofPod, own)).toEqual(expected);
  });

  const refusal = (enforced: boolean, spec: object) =>
    new Admission({
      node: () => undefined,
      allocatable: () => ({}),
      pressure: () => ({ memory: false, disk: false, pid: false }),
      appArmor: () => enforced,
    }).admit(podOf(spec as PodSpec));
  const refused = { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' };
  const inside = (profile: Profile) => ({ initContainers: [{ name: 'i', ...confined(profile) }] });

  it.each([
    ['a profile for the pod', confined(localhost), refused],
    ['the default by name', inside({ type: 'RuntimeDefault' }), refused],
    ['a profile for an init container', inside(localhost), refused],
    ['none', inside({ type: 'Unconfined' }), undefined],
    ['nothing', {}, undefined],
  ])('stands against a pod that asks for %s where it is not enforced', (_what, spec, expected) => {
    expect(refusal(false, spec)).toEqual(expected);
    expect(refusal(true, spec)).toBeUndefined();
  });
});
