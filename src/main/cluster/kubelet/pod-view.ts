import { createHash } from 'node:crypto';
import type { Container, Pod } from '@shared/k8s';
import { labels, type Runtime, type RuntimeContainer } from './runtime/types';

/** A container of a pod as the runtime has it. */
export interface PodContainer extends RuntimeContainer {
  name: string;
  restartCount: number;
  /** The sandbox it was started in. */
  sandboxId: string;
  hash: string;
}

export interface PodSandbox extends RuntimeContainer {
  attempt: number;
}

/** What the runtime has of one pod. */
export interface PodView {
  /** The newest first. */
  sandboxes: PodSandbox[];
  /** By container name, the newest first. */
  containers: Map<string, PodContainer[]>;
}

export const emptyView = (): PodView => ({ sandboxes: [], containers: new Map() });

/** The newest container of a name. */
export const latest = (view: PodView, name: string): PodContainer | undefined => view.containers.get(name)?.[0];

/** The sandbox the pod runs in, if it does. */
export function runningSandbox(view: PodView): PodSandbox | undefined {
  const newest = view.sandboxes[0];
  return newest?.state === 'running' ? newest : undefined;
}

/** All containers, without sandboxes. */
export const allContainers = (view: PodView): PodContainer[] => [...view.containers.values()].flat();

/** Asks the runtime for everything that carries the pod's uid. @throws RuntimeError */
export async function observePod(runtime: Runtime, uid: string): Promise<PodView> {
  const listed = await runtime.list({ [labels.podUid]: uid });
  const inspected = await Promise.all(listed.map((one) => runtime.inspect(one.id)));
  return viewOf(inspected.filter((one) => one !== undefined));
}

/** Sorts the containers of one pod into a view. */
export function viewOf(found: RuntimeContainer[]): PodView {
  const view = emptyView();
  const number = (one: RuntimeContainer): number => Number(one.labels[labels.restartCount] ?? 0);
  const newestFirst = found.toSorted((a, b) => number(b) - number(a) || b.createdAt - a.createdAt);
  for (const one of newestFirst) {
    if (one.labels[labels.kind] === 'sandbox') {
      view.sandboxes.push(Object.assign({}, one, { attempt: number(one) }));
      continue;
    }
    const name = one.labels[labels.containerName] ?? '';
    const container = Object.assign({}, one, {
      name,
      restartCount: number(one),
      sandboxId: one.labels[labels.sandboxId] ?? '',
      hash: one.labels[labels.specHash] ?? '',
    });
    const known = view.containers.get(name);
    if (known) known.push(container);
    else view.containers.set(name, [container]);
  }
  return view;
}

/** Changes when a running container must be replaced: of a pod's container only the image may change. */
export function hashOf(container: Container): string {
  return createHash('sha256')
    .update(JSON.stringify([container.name, container.image]))
    .digest('hex')
    .slice(0, 16);
}

/** Containers that were added to the running pod to look into it, with the fields of others. */
export const ephemeralContainers = (pod: Pod): Container[] => (pod.spec!.ephemeralContainers ?? []) as Container[];

/** Every container of a spec, whatever its role. */
export const specContainers = (pod: Pod): Container[] => [
  ...(pod.spec!.initContainers ?? []),
  ...pod.spec!.containers,
  ...ephemeralContainers(pod),
];

/** How events name a container of a pod. */
export function fieldPathOf(pod: Pod, { name }: Container): string {
  const { initContainers, ephemeralContainers: added } = pod.spec!;
  const isIn = (list: { name: string }[] | undefined): boolean => list?.some((one) => one.name === name) ?? false;
  const list = isIn(initContainers) ? 'initContainers' : isIn(added) ? 'ephemeralContainers' : 'containers';
  return `spec.${list}{${name}}`;
}

export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';

/** `name_namespace(uid)`: how messages name a pod. */
export const podLabel = (pod: Pod): string => `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
