import { X509Certificate } from 'node:crypto';
import type { CertificateSigningRequest } from '@shared/k8s';
import { resources } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { timestamp } from '../../clock';
import type { ControllerContext, ControlLoop } from '../framework';

/** What each signer's certificates may be used for. */
const signers: Record<string, { may: string[]; must: string }> = {
  'kubernetes.io/kube-apiserver-client': {
    may: ['client auth', 'digital signature', 'key encipherment'],
    must: 'client auth',
  },
  'kubernetes.io/kube-apiserver-client-kubelet': {
    may: ['client auth', 'digital signature', 'key encipherment'],
    must: 'client auth',
  },
  'kubernetes.io/kubelet-serving': {
    may: ['server auth', 'digital signature', 'key encipherment'],
    must: 'server auth',
  },
};
/** How long what was decided, and what was not, is kept: an hour and a day. */
const decidedMs = 3_600_000;
const pendingMs = 24 * 3_600_000;

/** Signs approved certificate requests of the cluster's own signers, and removes requests that are long done. */
export function createCertificateController(context: ControllerContext): ControlLoop {
  const { client, clock, informers, options } = context;
  const queue = new WorkQueue(clock);
  const requests = informers.informer(resources.certificateSigningRequests);
  const enqueue = (request: CertificateSigningRequest) => queue.add(request.metadata.name);
  requests.on({ add: enqueue, update: enqueue });

  const writeStatus = async (request: CertificateSigningRequest, status: CertificateSigningRequest['status']) => {
    await client.updateStatus(resources.certificateSigningRequests, {
      ...request,
      status: { ...request.status, ...status },
    });
  };

  return {
    name: 'certificates',
    queue,
    reconciler: {
      async reconcile(name) {
        const request = requests.get(undefined, name);
        if (!request || request.metadata.deletionTimestamp) return;
        const left = endOf(request) - clock.now();
        if (left <= 0) return client.delete(resources.certificateSigningRequests, undefined, name);
        const signer = signers[request.spec.signerName];
        const { spec, status } = request;
        if (!signer || !options.signCertificate || status?.certificate) return { requeueAfterMs: left };
        if (!has(request, 'Approved') || has(request, 'Denied') || has(request, 'Failed')) {
          return { requeueAfterMs: left };
        }
        const usages = spec.usages ?? [];
        const fault = usageFault(usages, signer);
        const now = timestamp(clock.now());
        const fail = (reason: string, message: string) =>
          writeStatus(request, {
            conditions: [
              ...(status?.conditions ?? []),
              { type: 'Failed', status: 'True', reason, message, lastUpdateTime: now, lastTransitionTime: now },
            ],
          });
        if (fault) return fail('SignerValidationFailure', fault);
        const pem = Buffer.from(spec.request, 'base64').toString();
        let certificate: string;
        try {
          certificate = await options.signCertificate({
            pem,
            signerName: spec.signerName,
            usages,
            seconds: spec.expirationSeconds,
          });
        } catch (error) {
          return fail('SigningError', (error as Error).message);
        }
        await writeStatus(request, { certificate: Buffer.from(certificate).toString('base64') });
        return { requeueAfterMs: left };
      },
    },
  };
}

const has = ({ status }: CertificateSigningRequest, type: string): boolean =>
  (status?.conditions ?? []).some((condition) => condition.type === type);

/** When the request is to go, in ms since the epoch: decided ones soon, and what was issued at the latest when it ends. */
function endOf({ metadata, status }: CertificateSigningRequest): number {
  const decided = (status?.conditions ?? []).map((condition) => Date.parse(condition.lastUpdateTime ?? ''));
  const last = Math.max(...decided.filter((time) => !Number.isNaN(time)));
  const end = Number.isFinite(last) ? last + decidedMs : Date.parse(metadata.creationTimestamp!) + pendingMs;
  if (!status?.certificate) return end;
  try {
    return Math.min(end, Date.parse(new X509Certificate(Buffer.from(status.certificate, 'base64')).validTo));
  } catch {
    // Another signer's certificate may be anything.
    return end;
  }
}

function usageFault(usages: readonly string[], { may, must }: { may: string[]; must: string }): string | undefined {
  if (!usages.includes(must)) return `usages did not contain required usage "${must}"`;
  const other = usages.find((usage) => !may.includes(usage));
  return other === undefined ? undefined : `invalid usage for client certificate: ${other}`;
}
