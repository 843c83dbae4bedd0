import { stringify } from 'yaml';
import { writeFileAtomically } from './files';
import type { KeyPair, Pki } from './pki';

export interface KubeconfigOptions {
  /** Names the cluster, the user and the context. */
  name: string;
  /** `https://127.0.0.1:6443`. */
  server: string;
  /** The authority to trust and who to be: the admin, unless told. */
  pki: Pick<Pki, 'caPem' | 'admin'>;
  client?: KeyPair;
  namespace?: string;
}

/** A kubeconfig with one context and everything it needs inside. */
export function kubeconfig({ name, server, pki, client = pki.admin, namespace }: KubeconfigOptions): string {
  const data = (pem: string) => Buffer.from(pem).toString('base64');
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server, 'certificate-authority-data': data(pki.caPem) } }],
      users: [{ name, user: { 'client-certificate-data': data(client.cert), 'client-key-data': data(client.key) } }],
      contexts: [{ name, context: { cluster: name, user: name, ...(namespace ? { namespace } : {}) } }],
      'current-context': name,
    },
    { lineWidth: 0 },
  );
}

/** Writes the kubeconfig, readable by its owner alone (0600), in one step. */
export async function writeKubeconfig(file: string, options: KubeconfigOptions): Promise<void> {
  await writeFileAtomically(file, kubeconfig(options), 0o600);
}
