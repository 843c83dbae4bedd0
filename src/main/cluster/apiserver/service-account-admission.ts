import type { Container, Pod, ServiceAccount, Volume } from '@shared/k8s';
import { forbidden } from '../api/errors';
import type { Clock } from '../clock';
import type { Store } from '../store/types';
import type { AdmissionPlugin } from './admission';

/** Where the credentials of a pod's account are in its containers. */
export const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
/** How long a new namespace's default account is waited for, in ms. */
const waitMs = 1000;
const tokenSeconds = 3607;
const letters = 'bcdfghjklmnpqrstvwxz2456789';

/** Gives new pods their account: it must exist; its token is mounted and its pull secrets are used unless the pod says otherwise. */
export function serviceAccountAdmission(options: {
  store: Store;
  clock: Clock;
  /** In [0, 1): for the volume's name. */
  random: () => number;
}): AdmissionPlugin {
  const { store, clock, random } = options;
  return {
    name: 'ServiceAccount',
    admit({ operation, subresource, resource: { definition }, namespace, object }) {
      if (operation !== 'CREATE' || subresource !== undefined) return;
      if (definition.plural !== 'pods' || definition.group !== '' || !object) return;
      const pod = object as Pod;
      if (!pod.spec) return;
      const name = pod.spec.serviceAccountName || 'default';
      pod.spec.serviceAccountName = name;
      const key = `/registry/core/serviceaccounts/${namespace}/${name}`;
      const refuse = () =>
        forbidden(
          { plural: 'pods' },
          pod.metadata?.name ?? '',
          `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`,
        );
      const found = store.get(key);
      if (found) return equip(pod, found.value as ServiceAccount, random);
      if (name !== 'default') throw refuse();
      return appearance(store, clock, key).then((account) => {
        if (!account) throw refuse();
        equip(pod, account, random);
      });
    },
  };
}

/** The account as soon as it is there: a controller makes it right after its namespace. */
function appearance(store: Store, clock: Clock, key: string): Promise<ServiceAccount | undefined> {
  return new Promise((resolve) => {
    const end = (account?: ServiceAccount) => {
      watch.close();
      timer.cancel();
      resolve(account);
    };
    const timer = clock.setTimeout(() => end(), waitMs);
    const watch = store.watch(key, store.revision, ({ type, key: changed, object }) => {
      if (type === 'PUT' && changed === key) end(object.value as ServiceAccount);
    });
  });
}

function equip(pod: Pod, account: ServiceAccount, random: () => number): void {
  const spec = pod.spec!;
  if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
    spec.imagePullSecrets = account.imagePullSecrets.map((secret) => ({ ...secret }));
  }
  const automount = spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
  if (!automount) return;
  const without = (container: Container) => !container.volumeMounts?.some((mount) => mount.mountPath === mountPath);
  const containers = [...(spec.initContainers ?? []), ...spec.containers].filter(without);
  if (containers.length === 0) return;
  const known = spec.volumes?.find((volume) => volume.name.startsWith('kube-api-access-') && volume.projected);
  const name = known?.name ?? `kube-api-access-${suffix(random)}`;
  if (!known) spec.volumes = [...(spec.volumes ?? []), accessVolume(name)];
  for (const container of containers) {
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }];
  }
}

function suffix(random: () => number): string {
  return Array.from({ length: 5 }, () => letters[Math.floor(random() * letters.length)]).join('');
}

const accessVolume = (name: string): Volume => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  },
});
