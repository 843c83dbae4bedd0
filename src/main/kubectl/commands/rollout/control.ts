import type { KubeObject } from '@shared/k8s';
import { forEachTarget, patchTarget, ResultPrinter } from '../../actions';
import { fieldManagerFlag, filenameFlags, printFlags, selectorFlag, type Command } from '../../command';
import { resourceName } from '../../discovery';
import { KubectlError, quote, throwAll } from '../../errors';
import { fetchTarget, selectTargets, type Target } from '../../resources';

/** A command that patches workloads one by one. `patch` throws when there is nothing to do. */
function control(
  name: string,
  summary: string,
  done: string,
  patch: (object: KubeObject, target: Target) => object,
): Command {
  return {
    name,
    summary,
    usage: 'RESOURCE',
    examples: [[summary, `kubectl rollout ${name} deployment/web`]],
    flags: [...filenameFlags, selectorFlag, fieldManagerFlag('kubectl-rollout'), ...printFlags],
    async run(call) {
      if (call.args.length === 0 && call.flags.list('filename').length === 0)
        throw new KubectlError('required resource not specified');
      const targets = await selectTargets(call, { listWithoutSelector: true });
      const printer = await ResultPrinter.create(call);
      const errors = await forEachTarget(targets, async (target) => {
        const object = await fetchTarget(call.session, target);
        printer.done(target, done, await patchTarget(call, target, patch(object, target)));
      });
      throwAll(errors);
    },
  };
}

const named = (target: Target): string => `${resourceName(target.mapping)} ${quote(target.name)}`;

/** Local time with its offset, as Go's RFC 3339 prints it. */
function localTime(now: Date): string {
  const minutes = -now.getTimezoneOffset();
  const shifted = new Date(now.getTime() + minutes * 60_000).toISOString().slice(0, 19);
  if (minutes === 0) return `${shifted}Z`;
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${shifted}${minutes < 0 ? '-' : '+'}${hours}:${rest}`;
}

export const restart = control('restart', 'Restart a resource', 'restarted', (object, target) => {
  if (!object.spec?.template || !['Deployment', 'DaemonSet', 'StatefulSet'].includes(target.mapping.kind)) {
    throw new KubectlError('restarting is not supported');
  }
  if (object.spec.paused) throw new KubectlError(`can't restart paused deployment (run rollout resume first)`);
  return {
    spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': localTime(new Date()) } } } },
  };
});

export const pause = control('pause', 'Mark the provided resource as paused', 'paused', (object, target) => {
  if (target.mapping.kind !== 'Deployment') throw new KubectlError('pausing is not supported');
  if (object.spec?.paused) throw new KubectlError(`${named(target)} is already paused`);
  return { spec: { paused: true } };
});

export const resume = control('resume', 'Resume a paused resource', 'resumed', (object, target) => {
  if (target.mapping.kind !== 'Deployment') throw new KubectlError('resuming is not supported');
  if (!object.spec?.paused) throw new KubectlError(`${named(target)} is not paused`);
  return { spec: { paused: null } };
});
