import type { KubeObject, Pod } from '@shared/k8s';
import type { Command, CommandCall } from '../command';
import { KubectlError, usageError } from '../errors';
import { followObject, untilGone } from '../waiting';
import type { Target } from '../resources';
import { attachTo, printLog } from './attach';
import { streamFlags } from './exec';
import { createGenerated, generatorFlags, parsePairs } from './create/generate';
import { dryRunOf } from '../actions';

function podOf(call: CommandCall, name: string): KubeObject {
  const { flags } = call;
  const image = flags.string('image');
  if (/\s/.test(image) || image === '')
    throw new KubectlError(`Invalid image name ${JSON.stringify(image)}: invalid reference format`);
  const restart = flags.string('restart');
  if (!['Always', 'OnFailure', 'Never'].includes(restart)) throw new KubectlError(`invalid restart policy: ${restart}`);
  const rest = call.dash < 0 ? call.args.slice(1) : call.args.slice(call.dash);
  const labels = flags.changed('labels') ? parsePairs(flags.list('labels'), 'label') : { run: name };
  const env = Object.entries(parsePairs(flags.list('env'), 'env')).map(([key, value]) => ({ name: key, value }));
  const port = flags.string('port');
  const stdin = flags.bool('stdin');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels,
      ...(flags.list('annotations').length > 0
        ? { annotations: parsePairs(flags.list('annotations'), 'annotation') }
        : {}),
    },
    spec: {
      containers: [
        {
          name,
          image,
          ...(flags.string('image-pull-policy') ? { imagePullPolicy: flags.string('image-pull-policy') } : {}),
          ...(rest.length > 0 ? (flags.bool('command') ? { command: rest } : { args: rest }) : {}),
          ...(env.length > 0 ? { env } : {}),
          ...(port ? { ports: [{ containerPort: Number(port) }] } : {}),
          resources: {},
          ...(stdin ? { stdin: true, stdinOnce: true } : {}),
          ...(flags.bool('tty') ? { tty: true } : {}),
        },
      ],
      dnsPolicy: 'ClusterFirst',
      restartPolicy: restart,
    },
    status: {},
  };
}

const runs = (pod: KubeObject | undefined): boolean =>
  pod === undefined || ['Running', 'Succeeded', 'Failed'].includes(pod.status?.phase);

async function attachAndClean(call: CommandCall, name: string): Promise<void> {
  const mapping = (await call.session.discovery()).resolve('pods');
  const target: Target = { mapping, name, namespace: await call.session.namespace() };
  const read = async (): Promise<Pod> =>
    (await call.session.request<Pod>({ method: 'GET', path: `/api/v1/namespaces/${target.namespace}/pods/${name}` }))
      .body;
  try {
    await followObject(call, target, runs, Date.now() + call.flags.duration('pod-running-timeout'));
    const pod = await read();
    // Of one that ended before it could be attached to, what it printed is in its log.
    await (pod.status?.phase === 'Running' ? attachTo : printLog)(call, pod, '');
  } finally {
    if (call.flags.bool('rm')) {
      const { uid } = (await read()).metadata;
      await call.session.request({ method: 'DELETE', path: `/api/v1/namespaces/${target.namespace}/pods/${name}` });
      call.out(`pod "${name}" deleted from ${target.namespace} namespace\n`);
      await untilGone(call, target, uid);
    }
  }
}

async function start(call: CommandCall): Promise<void> {
  const { flags } = call;
  const name = call.args[0];
  if (!name || call.dash === 0) throw usageError('run', 'NAME is required for run');
  const attaching = flags.changed('attach') ? flags.bool('attach') : flags.bool('stdin') || flags.bool('tty');
  if (flags.bool('rm') && !attaching) throw new KubectlError('--rm should only be used for attached containers');
  if (flags.bool('tty') && !flags.bool('stdin'))
    throw new KubectlError('-i/--stdin is required for containers with -t/--tty=true');
  if (flags.bool('expose') && !flags.string('port'))
    throw new KubectlError('--port must be set when exposing a service');
  const dryRun = dryRunOf(call);
  const pod = podOf(call, name);
  if (attaching && dryRun !== 'none')
    throw new KubectlError(
      `--dry-run=${dryRun} can't be used with attached containers options (--attach, --stdin, or --tty)`,
    );
  // Someone who attaches wants to see the program, not that there is one.
  if (attaching) await createGenerated({ ...call, out: () => {} }, pod);
  else await createGenerated(call, pod);
  if (flags.bool('expose')) {
    const port = Number(flags.string('port'));
    await createGenerated(call, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { ports: [{ port, protocol: 'TCP', targetPort: port }], selector: pod.metadata!.labels },
      status: { loadBalancer: {} },
    });
  }
  if (attaching) await attachAndClean(call, name);
}

export const run: Command = {
  name: 'run',
  summary: 'Run a particular image on the cluster',
  usage: 'NAME --image=image [--env="key=value"] [--port=port] [--dry-run=server|client] [-- COMMAND] [args...]',
  examples: [
    ['One pod', 'kubectl run web --image=nginx --port=80'],
    ['A shell that goes when you leave', 'kubectl run -it --rm tmp --image=busybox --restart=Never -- sh'],
  ],
  flags: [
    { name: 'image', type: 'string', help: 'The image to run.' },
    { name: 'image-pull-policy', type: 'string', help: 'Always, IfNotPresent or Never.' },
    { name: 'port', type: 'string', help: 'The port the container listens on.' },
    { name: 'env', type: 'array', help: 'NAME=VALUE, may be repeated.' },
    { name: 'labels', short: 'l', type: 'list', help: 'Labels of the pod.' },
    { name: 'annotations', type: 'array', help: 'Annotations of the pod.' },
    { name: 'restart', type: 'string', default: 'Always', help: 'Always, OnFailure or Never.' },
    { name: 'command', type: 'bool', default: 'false', help: 'What follows -- is the command, not its arguments.' },
    { name: 'attach', type: 'bool', default: 'false', help: 'Attach to it once it runs.' },
    { name: 'rm', type: 'bool', default: 'false', help: 'Delete the pod afterwards.' },
    { name: 'expose', type: 'bool', default: 'false', help: 'Create a service for the port, too.' },
    ...streamFlags.filter((flag) => flag.name !== 'container'),
    ...generatorFlags.map((flag) => (flag.name === 'field-manager' ? { ...flag, default: 'kubectl-run' } : flag)),
  ],
  required: ['image'],
  run: start,
};
