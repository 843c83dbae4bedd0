import type { ConfigMap, KubeObject } from '@shared/k8s';
import type { Store } from '../../store/types';
import { jsonEqual } from '../../json';
import { frontProxyClient, type FrontProxy } from '../pki';
import { identityHeaderNames } from './identity';
import { sendUnlessLate, type Handle } from './objects';

const name = 'extension-apiserver-authentication';
const reader = `${name}-reader`;
const namespace = 'kube-system';
const rbac = 'rbac.authorization.k8s.io';
const group = `/apis/${rbac}/v1/namespaces/${namespace}`;

/** Where it is stored, and what has to be there before. */
export const introduction = {
  namespace: `/registry/core/namespaces/${namespace}`,
  configMap: `/registry/core/configmaps/${namespace}/${name}`,
};

/**
 * Tells servers behind APIServices how to know the API server and whom it speaks for:
 * the ConfigMap they read at their start, and the role that lets them.
 */
export async function introduce(options: {
  store: Store;
  handle: Handle;
  /** Of the authority that signs client certificates, PEM. */
  clientCa: string;
  frontProxy: FrontProxy;
}): Promise<void> {
  const { store, handle, clientCa, frontProxy } = options;
  const list = (...names: string[]) => JSON.stringify(names);
  const data = {
    'client-ca-file': clientCa,
    'requestheader-allowed-names': list(frontProxyClient),
    'requestheader-client-ca-file': frontProxy.caPem,
    'requestheader-extra-headers-prefix': list(identityHeaderNames.extraPrefix),
    'requestheader-group-headers': list(identityHeaderNames.group),
    'requestheader-uid-headers': list(identityHeaderNames.uid),
    'requestheader-username-headers': list(identityHeaderNames.user),
  };
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const stored = store.get(introduction.configMap)?.value as ConfigMap | undefined;
  if (!stored) await sendUnlessLate(handle, 'POST', path, { metadata: { name, namespace }, data });
  else if (!jsonEqual(stored.data, data)) await sendUnlessLate(handle, 'PUT', `${path}/${name}`, { ...stored, data });

  const make = async (plural: string, object: KubeObject) => {
    const key = `/registry/${rbac}/${plural}/${namespace}/${object.metadata!.name}`;
    if (!store.get(key)) await sendUnlessLate(handle, 'POST', `${group}/${plural}`, object);
  };
  await make('roles', {
    metadata: { name: reader, namespace },
    rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: [name], verbs: ['get', 'list', 'watch'] }],
  });
  await make('rolebindings', {
    metadata: { name: `system::${reader}`, namespace },
    roleRef: { apiGroup: rbac, kind: 'Role', name: reader },
    subjects: ['system:kube-controller-manager', 'system:kube-scheduler'].map((user) => ({
      apiGroup: rbac,
      kind: 'User',
      name: user,
    })),
  });
}
