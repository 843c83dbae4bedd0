import type { KubeObject } from '@shared/k8s';
import type { CommandCall } from '../../command';
import { KubectlError } from '../../errors';
import { fetchTarget, parseSelections } from '../../resources';
import { generator } from './generate';

const commandOf = (call: CommandCall): string[] => (call.dash < 0 ? [] : call.args.slice(call.dash));

const podSpec = (name: string, image: string, command: string[], restartPolicy: string): object => ({
  containers: [{ name, image, ...(command.length > 0 ? { command } : {}), resources: {} }],
  restartPolicy,
});

/** A job as the cron job would start it, at once. */
async function fromCronJob(call: CommandCall, name: string, from: string): Promise<KubeObject> {
  const discovery = await call.session.discovery();
  const [selection] = parseSelections(discovery, from.includes('/') ? [from] : ['cronjobs', from]);
  if (selection?.mapping.kind !== 'CronJob' || !selection.name)
    throw new KubectlError('from must be an existing cronjob');
  const namespace = await call.session.namespace();
  const source = await fetchTarget(call.session, { ...selection, name: selection.name, namespace });
  const { metadata, spec } = source.spec!.jobTemplate as KubeObject;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      annotations: { 'cronjob.kubernetes.io/instantiate': 'manual', ...metadata?.annotations },
      ...(metadata?.labels ? { labels: metadata.labels } : {}),
      ownerReferences: [
        {
          apiVersion: 'batch/v1',
          kind: 'CronJob',
          name: source.metadata!.name!,
          uid: source.metadata!.uid!,
          controller: true,
        },
      ],
    },
    spec,
  };
}

export const createJob = generator(
  {
    name: 'job',
    summary: 'Create a job with the specified name',
    usage: 'NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]',
    examples: [
      ['Run a command once', 'kubectl create job hello --image=busybox -- echo hello'],
      ['What a cron job would run, now', 'kubectl create job now --from=cronjob/nightly'],
    ],
    flags: [
      { name: 'image', type: 'string', help: 'The image to run.' },
      { name: 'from', type: 'string', help: 'The cron job to take it from, as cronjob/NAME.' },
    ],
  },
  async (call, name) => {
    const [image, from] = [call.flags.string('image'), call.flags.string('from')];
    const command = commandOf(call);
    if ((image === '') === (from === '')) throw new KubectlError('either --image or --from must be specified');
    if (from && command.length > 0) throw new KubectlError('cannot specify --from and command');
    if (from) return fromCronJob(call, name, from);
    return {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name },
      spec: { template: { metadata: {}, spec: podSpec(name, image, command, 'Never') } },
      status: {},
    };
  },
  'job',
);

export const createCronJob = generator(
  {
    name: 'cronjob',
    aliases: ['cj'],
    summary: 'Create a cron job with the specified name',
    usage: "NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...]",
    examples: [['Every five minutes', "kubectl create cronjob tick --image=busybox --schedule='*/5 * * * *' -- date"]],
    flags: [
      { name: 'image', type: 'string', help: 'The image to run.' },
      { name: 'schedule', type: 'string', help: 'When, as cron writes it.' },
      { name: 'restart', type: 'string', default: 'OnFailure', help: 'OnFailure or Never.' },
    ],
    required: ['image', 'schedule'],
  },
  (call, name) => ({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name },
    spec: {
      jobTemplate: {
        metadata: { name },
        spec: {
          template: {
            metadata: {},
            spec: podSpec(name, call.flags.string('image'), commandOf(call), call.flags.string('restart')),
          },
        },
      },
      schedule: call.flags.string('schedule'),
    },
    status: {},
  }),
  'cronjob',
);
