import type { KubeObject } from '@shared/k8s';
import { filenameFlags, selectorFlag, type Command, type CommandCall } from '../command';
import { KubectlError } from '../errors';
import { fetchTarget, selectTargets } from '../resources';
import { createGenerated, generatorFlags, parsePairs } from './create/generate';

function selectorOf(object: KubeObject): Record<string, string> {
  if (object.kind === 'Pod') {
    const labels = object.metadata?.labels;
    if (!labels || Object.keys(labels).length === 0)
      throw new KubectlError(
        "couldn't retrieve selectors via --selector flag or introspection: the pod has no labels and cannot be exposed",
      );
    return labels;
  }
  if (object.kind === 'Service') return object.spec?.selector ?? {};
  const selector = object.spec?.selector?.matchLabels;
  if (!selector) throw new KubectlError(`cannot expose a ${object.kind}`);
  return selector;
}

function portsOf(object: KubeObject): { port: number; protocol: string; name?: string }[] {
  if (object.kind === 'Service') return object.spec?.ports ?? [];
  const spec = object.kind === 'Pod' ? object.spec : object.spec?.template?.spec;
  return (spec?.containers ?? []).flatMap((container: any) =>
    (container.ports ?? []).map((port: any) => ({ port: port.containerPort, protocol: port.protocol ?? 'TCP' })),
  );
}

const numeric = (text: string): string | number => (/^\d+$/.test(text) ? Number(text) : text);

function serviceOf(call: CommandCall, object: KubeObject): KubeObject {
  const { flags } = call;
  const selector = flags.string('selector')
    ? parsePairs(flags.string('selector').split(','), 'selector')
    : selectorOf(object);
  const given = flags.string('port');
  const known = portsOf(object);
  if (!given && known.length === 0) throw new KubectlError("couldn't find port via --port flag or introspection");
  const ports = given
    ? given.split(',').map((port) => ({ port: Number(port), protocol: flags.string('protocol') || 'TCP' }))
    : known.map(({ port, protocol }) => ({ port, protocol: flags.string('protocol') || protocol }));
  const target = flags.string('target-port');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: flags.string('name') || object.metadata!.name,
      ...(flags.string('labels')
        ? { labels: parsePairs(flags.string('labels').split(','), 'label') }
        : object.metadata?.labels
          ? { labels: object.metadata.labels }
          : {}),
    },
    spec: {
      ports: ports.map((port, at) => ({
        ...(ports.length > 1 ? { name: `port-${at + 1}` } : {}),
        ...port,
        targetPort: target ? numeric(target) : port.port,
      })),
      selector,
      ...(flags.string('type') ? { type: flags.string('type') } : {}),
      ...(flags.string('cluster-ip') ? { clusterIP: flags.string('cluster-ip') } : {}),
      ...(flags.string('external-ip') ? { externalIPs: [flags.string('external-ip')] } : {}),
      ...(flags.string('session-affinity') ? { sessionAffinity: flags.string('session-affinity') } : {}),
    },
    status: { loadBalancer: {} },
  };
}

async function run(call: CommandCall): Promise<void> {
  // The selector here is the new service's, not what to look for.
  const targets = await selectTargets({
    ...call,
    flags: Object.assign(Object.create(call.flags), {
      string: (name: string) => (name === 'selector' ? '' : call.flags.string(name)),
    }),
  });
  for (const target of targets) {
    await createGenerated(
      call,
      serviceOf(call, { ...(await fetchTarget(call.session, target)), kind: target.mapping.kind }),
      undefined,
      'exposed',
    );
  }
}

export const expose: Command = {
  name: 'expose',
  summary: 'Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service',
  usage:
    '(-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name]',
  examples: [
    ['Port 80 of the service is 8080 of the pods', 'kubectl expose deployment web --port=80 --target-port=8080'],
  ],
  flags: [
    ...filenameFlags,
    selectorFlag,
    { name: 'port', type: 'string', help: 'The port of the service.' },
    { name: 'target-port', type: 'string', help: "The pods' port, number or name." },
    { name: 'protocol', type: 'string', help: 'TCP, UDP or SCTP.' },
    { name: 'name', type: 'string', help: 'The name of the service.' },
    { name: 'type', type: 'string', help: 'ClusterIP, NodePort, LoadBalancer or ExternalName.' },
    { name: 'labels', type: 'string', help: 'Labels of the service.' },
    { name: 'cluster-ip', type: 'string', help: 'The address of the service, or None.' },
    { name: 'external-ip', type: 'string', help: 'A further address.' },
    { name: 'session-affinity', type: 'string', help: 'None or ClientIP.' },
    ...generatorFlags.map((flag) => (flag.name === 'field-manager' ? { ...flag, default: 'kubectl-expose' } : flag)),
  ],
  run,
};
