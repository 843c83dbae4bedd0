import type { CertificateSigningRequest } from '@shared/k8s';
import { forbidden } from '../api/errors';
import type { AdmissionPlugin } from './admission';
import type { Authorizer } from './context';
import { jsonEqual } from '../json';
import { requestSubject } from './pki';
import type { UserInfo } from './types';

const group = 'certificates.k8s.io';
const clientSigner = 'kubernetes.io/kube-apiserver-client';

/** Whom the certificates of each of the cluster's own signers may name. Undefined: there is nothing against it. */
export function subjectFault(
  signerName: string,
  { name, groups }: { name: string; groups: string[] },
): string | undefined {
  if (signerName === clientSigner) {
    return groups.includes('system:masters')
      ? `use of ${clientSigner} signer with system:masters group is not allowed`
      : undefined;
  }
  const isNode = name.startsWith('system:node:') && groups.length === 1 && groups[0] === 'system:nodes';
  return isNode ? undefined : `a certificate of ${signerName} names a node: CN=system:node:NAME, O=system:nodes`;
}

/** Who may approve and sign certificate requests depends on the signer; nobody becomes system:masters by a certificate. */
export function certificateAccess(authorize: Authorizer): AdmissionPlugin {
  const mayUse = (user: UserInfo, verb: string, signerName: string): boolean => {
    const names = [signerName, `${signerName.split('/')[0]}/*`];
    return names.some((name) => authorize({ user, verb, group, version: 'v1', resource: 'signers', name }).allowed);
  };
  return {
    name: 'CertificateAccess',
    async admit({ operation, resource: { definition }, subresource, object, old, user }) {
      if (definition.group !== group || definition.plural !== 'certificatesigningrequests' || !object) return;
      const { spec, status } = object as CertificateSigningRequest;
      const signerName = spec?.signerName ?? '';
      const refuse = (why: string) => forbidden(definition, object.metadata?.name ?? '', why);
      if (operation === 'CREATE') {
        if (signerName !== clientSigner) return;
        const subject = await requestSubject(spec.request).catch(() => undefined);
        const fault = subject && subjectFault(signerName, subject);
        if (fault) throw refuse(fault);
        return;
      }
      const before = (old as CertificateSigningRequest | undefined)?.status;
      if (subresource === 'approval' && !jsonEqual(status?.conditions, before?.conditions)) {
        if (!mayUse(user, 'approve', signerName)) {
          throw refuse(`user not permitted to approve requests with signerName "${signerName}"`);
        }
      }
      if (subresource === 'status' && status?.certificate !== before?.certificate) {
        if (!mayUse(user, 'sign', signerName)) {
          throw refuse(`user not permitted to sign requests with signerName "${signerName}"`);
        }
      }
    },
  };
}
