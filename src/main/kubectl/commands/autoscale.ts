import type { KubeObject } from '@shared/k8s';
import { filenameFlags, type Command, type CommandCall } from '../command';
import { KubectlError } from '../errors';
import { fetchTarget, selectTargets } from '../resources';
import { createGenerated, generatorFlags } from './create/generate';

/** What a bare number or `500m` asks for: a share of the request, or an amount. */
function target(resource: string, text: string): object {
  const share = /^(\d+)%$/.exec(text);
  const wanted = share
    ? { type: 'Utilization', averageUtilization: Number(share[1]) }
    : { type: 'AverageValue', averageValue: text };
  return { type: 'Resource', resource: { name: resource, target: wanted } };
}

function metricsOf({ flags }: CommandCall): object[] {
  const percent = flags.int('cpu-percent');
  if (percent >= 0 && flags.string('cpu')) throw new KubectlError('--cpu and --cpu-percent say the same: give one');
  const cpu = percent >= 0 ? `${percent}%` : flags.string('cpu');
  const memory = flags.string('memory');
  return [...(cpu ? [target('cpu', cpu)] : []), ...(memory ? [target('memory', memory)] : [])];
}

async function run(call: CommandCall): Promise<void> {
  const { flags } = call;
  const [least, most] = [flags.int('min'), flags.int('max')];
  if (most < 1) throw new KubectlError(`--max=MAXPODS is required and must be at least 1, max: ${most}`);
  if (most < least)
    throw new KubectlError(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${most}, min: ${least}`);
  const metrics = metricsOf(call);
  for (const scaled of await selectTargets(call)) {
    const { mapping, name } = scaled;
    await fetchTarget(call.session, scaled);
    const autoscaler: KubeObject = {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: flags.string('name') || name },
      spec: {
        scaleTargetRef: {
          apiVersion: mapping.group ? `${mapping.group}/${mapping.version}` : mapping.version,
          kind: mapping.kind,
          name,
        },
        ...(least > 0 ? { minReplicas: least } : {}),
        maxReplicas: most,
        ...(metrics.length > 0 ? { metrics } : {}),
      },
    };
    await createGenerated(call, autoscaler, undefined, 'autoscaled');
  }
}

export const autoscale: Command = {
  name: 'autoscale',
  summary: 'Auto-scale a deployment, replica set, stateful set, or replication controller',
  usage: '(-f FILENAME | TYPE NAME) [--min=MINPODS] --max=MAXPODS [--cpu-percent=CPU]',
  examples: [
    [
      'Two to five pods, at 60% of what they request',
      'kubectl autoscale deployment web --min=2 --max=5 --cpu-percent=60',
    ],
  ],
  flags: [
    ...filenameFlags,
    { name: 'min', type: 'int', default: '-1', help: 'The fewest pods.' },
    { name: 'max', type: 'int', default: '-1', help: 'The most pods.' },
    { name: 'cpu-percent', type: 'int', default: '-1', help: 'The share of the requested CPU to keep to, in percent.' },
    { name: 'cpu', type: 'string', help: 'The same, as 60% or as an amount per pod.' },
    { name: 'memory', type: 'string', help: 'Memory to keep to, as 60% or as an amount per pod.' },
    { name: 'name', type: 'string', help: 'The name of the autoscaler; the name of what it scales without.' },
    ...generatorFlags.map((flag) => (flag.name === 'field-manager' ? { ...flag, default: 'kubectl-autoscale' } : flag)),
  ],
  required: ['max'],
  run,
};
