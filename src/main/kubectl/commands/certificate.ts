import type { CertificateSigningRequest } from '@shared/k8s';
import { forEachTarget, ResultPrinter } from '../actions';
import { filenameFlags, printFlags, type Command, type CommandCall } from '../command';
import { KubectlError, throwAll } from '../errors';
import { fetchTarget, selectTargets, targetPath, type Target } from '../resources';

interface Decision {
  type: 'Approved' | 'Denied';
  reason: string;
  message: string;
}

async function decide(call: CommandCall, target: Target, { type, reason, message }: Decision): Promise<void> {
  const request = (await fetchTarget(call.session, target)) as CertificateSigningRequest;
  const conditions = request.status?.conditions ?? [];
  const known = conditions.find((condition) => condition.type === type && condition.status === 'True');
  if (known && !call.flags.bool('force')) return;
  const lastUpdateTime = new Date(call.session.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const decision = { type, status: 'True', reason, message, lastUpdateTime };
  const body = {
    ...request,
    status: { ...request.status, conditions: [...conditions.filter((other) => other !== known), decision] },
  };
  await call.session.request({ method: 'PUT', path: targetPath(target, 'approval'), body });
}

const deciding = (name: string, summary: string, done: string, decision: Decision): Command => ({
  name,
  summary,
  usage: '(-f FILENAME | NAME)',
  flags: [
    ...filenameFlags,
    { name: 'force', type: 'bool', default: 'false', help: 'Say it again where it has been said.' },
    ...printFlags,
  ],
  async run(call) {
    if (call.args.length === 0 && call.flags.list('filename').length === 0)
      throw new KubectlError('one or more CSRs must be specified as <name> or -f <filename>');
    const args = call.args.length > 0 ? ['certificatesigningrequests', ...call.args] : [];
    const targets = await selectTargets(call, { args });
    const printer = await ResultPrinter.create(call);
    const errors = await forEachTarget(targets, async (target) => {
      if (target.mapping.kind !== 'CertificateSigningRequest')
        throw new KubectlError('can only handle certificates.k8s.io/v1 and certificates.k8s.io/v1beta1');
      await decide(call, target, decision);
      printer.done(target, done, call.flags.changed('output') ? await fetchTarget(call.session, target) : undefined);
    });
    throwAll(errors);
  },
});

export const certificate: Command = {
  name: 'certificate',
  summary: 'Modify certificate resources',
  subcommands: [
    deciding('approve', 'Approve a certificate signing request', 'approved', {
      type: 'Approved',
      reason: 'KubectlApprove',
      message: 'This CSR was approved by kubectl certificate approve.',
    }),
    deciding('deny', 'Deny a certificate signing request', 'denied', {
      type: 'Denied',
      reason: 'KubectlDeny',
      message: 'This CSR was denied by kubectl certificate deny.',
    }),
  ],
};
