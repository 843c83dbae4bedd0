import type { Container, Pod } from '@shared/k8s';
import type { CommandCall } from '../../command';
import { KubectlError } from '../../errors';
import { targetPath, type Target } from '../../resources';
import { parsePairs } from '../create/generate';
import { commandOf, debugContainer, securityContextOf, suffix } from './container';

/** A container without what would end it while somebody looks at it. */
function withoutProbes(container: Container): Container {
  const { livenessProbe: _l, readinessProbe: _r, startupProbe: _s, ...rest } = container;
  return rest;
}

/** The containers of the copy, and the one to look at. @throws KubectlError */
function containersOf(call: CommandCall, pod: Pod): { containers: Container[]; name: string } {
  const { flags } = call;
  const images = parsePairs(flags.list('set-image'), 'image');
  const containers = pod.spec!.containers.map(withoutProbes).map((container) => {
    const image = images[container.name] ?? images['*'];
    return image ? { ...container, image } : container;
  });
  const command = commandOf(call);
  const wanted = flags.string('container');
  const existing = containers.find((container) => container.name === wanted);
  if (existing) {
    // The container itself is started in another way.
    Object.assign(existing, {
      ...(flags.string('image') ? { image: flags.string('image') } : {}),
      ...(command.length > 0 ? (flags.bool('arguments-only') ? { args: command } : { command, args: undefined }) : {}),
      ...(flags.bool('stdin') ? { stdin: true } : {}),
      ...(flags.bool('tty') ? { tty: true } : {}),
      securityContext: { ...existing.securityContext, ...securityContextOf(call) },
    });
    return { containers, name: wanted };
  }
  if (!flags.string('image')) {
    if (flags.list('set-image').length > 0) return { containers, name: containers[0]!.name };
    throw new KubectlError('you must specify an existing container or a new image when specifying args.');
  }
  const name = wanted || `debugger-${suffix()}`;
  if (!wanted && !flags.bool('quiet')) call.out(`Defaulting debug container name to ${name}.\n`);
  return { containers: [...containers, debugContainer(call, name)], name };
}

/** Starts a copy of the pod that can be changed. @throws KubectlError, ApiError */
export async function copyPod(call: CommandCall, target: Target, pod: Pod): Promise<{ target: Target; name: string }> {
  const { flags, session } = call;
  const { containers, name } = containersOf(call, pod);
  const { nodeName, ephemeralContainers: _e, ...spec } = pod.spec!;
  const copy = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: flags.string('copy-to'),
      namespace: target.namespace,
      ...(pod.metadata.annotations ? { annotations: pod.metadata.annotations } : {}),
      // With its labels it would be taken for one of its controller's.
      ...(flags.bool('keep-labels') ? { labels: pod.metadata.labels } : {}),
    },
    spec: {
      ...spec,
      ...(flags.bool('same-node') ? { nodeName } : {}),
      containers,
      shareProcessNamespace: flags.bool('share-processes'),
    },
  };
  const made = { ...target, name: copy.metadata.name, object: undefined };
  const collection = targetPath(made).replace(/\/[^/]*$/, '');
  await session.request({ method: 'POST', path: collection, body: copy });
  if (flags.bool('replace')) await session.request({ method: 'DELETE', path: targetPath(target) });
  return { target: made, name };
}
