import type { Container, ContainerStatus, Pod, PodCondition, ResourceRequirements } from '@shared/k8s';
import { parseBytes, parseCpuMillis } from '@shared/quantity';
import { isDeepStrictEqual } from 'node:util';
import { resourcesOf } from './container-specs';
import type { PodHost } from './pod-host';
import type { ContainerResources } from './pod-status';
import { latest, type PodContainer, type PodView } from './pod-view';
import { isUnreachable } from './runtime/docker-errors';
import { SmallMap } from './small-map';

/** How soon a resize that has to wait is tried again. */
const retryMs = 10_000;

export interface ResizeLink {
  /** The pod as its spec has it. */
  pod(): Pod;
  later(ms: number): void;
}

type Condition = Pick<PodCondition, 'type' | 'status'> & { reason?: string; message?: string };

const figures = (resources: ResourceRequirements | undefined): unknown => [
  resources?.requests ?? {},
  resources?.limits ?? {},
];

/**
 * Changes cpu and memory of running containers in place: the node first decides whether a change
 * fits (until then the pod keeps what it was granted), then brings the containers to it.
 */
export class PodResizer {
  /** What each container was granted, by name. */
  private readonly granted: Map<string, ResourceRequirements | undefined>;
  /** What each running container (by id) has, where it differs from what was granted. */
  private readonly behind = new SmallMap<string, ResourceRequirements | undefined>();
  /** Containers that were brought to the resources (as the runtime counts them) that they are to have. */
  private readonly done = new SmallMap<string, ReturnType<typeof resourcesOf>>();
  private readonly restarts = new SmallMap<string, string>();
  private pending: Condition | undefined;
  private progress: Condition | undefined;
  /** The last answer for a pod that has not got what it asks for. */
  private memo: { of: Pod; pod: Pod } | undefined;

  constructor(
    private readonly host: PodHost,
    private readonly link: ResizeLink,
    pod: Pod,
  ) {
    this.granted = new Map(resizable(pod).map((one) => [one.name, reportedGrant(pod, one) ?? one.resources]));
    if (pod.status?.conditions?.some(({ type }) => type === 'PodResizeInProgress'))
      this.progress = { type: 'PodResizeInProgress', status: 'True' };
  }

  /** The pod with the resources it was granted instead of those it asks for. */
  pod(pod: Pod): Pod {
    const same = resizable(pod).every((one) => isDeepStrictEqual(figures(one.resources), figures(this.grantOf(one))));
    if (same) return pod;
    if (this.memo?.of === pod) return this.memo.pod;
    const withGrant = (container: Container): Container => ({ ...container, resources: this.grantOf(container) });
    const changed = {
      ...pod,
      spec: {
        ...pod.spec!,
        containers: pod.spec!.containers.map(withGrant),
        ...(pod.spec!.initContainers ? { initContainers: pod.spec!.initContainers.map(withGrant) } : {}),
      },
    };
    this.memo = { of: pod, pod: changed };
    return changed;
  }

  conditions(): Condition[] {
    return [this.pending, this.progress].filter((one) => one !== undefined);
  }

  /** Why a container must be restarted to get its new resources. */
  mustRestart(one: PodContainer): { message: string } | undefined {
    const message = this.restarts.get(one.id);
    return message === undefined ? undefined : { message };
  }

  /** What a container was granted, and what it has at present, as its status says it. */
  resources(container: Container, one: PodContainer | undefined): ContainerResources {
    const granted = this.grantOf(container);
    const resources = one && this.behind.has(one.id) ? this.behind.get(one.id) : granted;
    return {
      ...(granted?.requests ? { allocatedResources: granted.requests } : {}),
      ...(resources && Object.keys(resources).length > 0 ? { resources } : {}),
    };
  }

  /** Decides on a change of the spec and brings running containers to what is granted. */
  async sync(view: PodView): Promise<void> {
    const pod = this.link.pod();
    if (this.decide(pod, view)) this.announce('ResizeStarted', 'Pod resize started');
    if (!this.progress) return;
    let left = 0;
    for (const container of resizable(pod)) {
      const one = latest(view, container.name);
      if (one?.state !== 'running' || !one.resources) continue;
      if (!(await this.update(container, one))) left += 1;
    }
    const ids = new Set([...view.containers.values()].map(([one]) => one?.id));
    for (const map of [this.behind, this.done, this.restarts])
      for (const id of map.keys()) if (!ids.has(id)) map.delete(id);
    if (left > 0) return this.link.later(retryMs);
    this.progress = undefined;
    this.announce('ResizeCompleted', 'Pod resize completed');
  }

  private grantOf(container: Container): ResourceRequirements | undefined {
    return this.granted.has(container.name) ? this.granted.get(container.name) : container.resources;
  }

  /** @returns whether more or less was granted */
  private decide(pod: Pod, view: PodView): boolean {
    const changed = resizable(pod).filter(
      (one) => !isDeepStrictEqual(figures(one.resources), figures(this.grantOf(one))),
    );
    if (changed.length === 0) {
      this.pending = undefined;
      return false;
    }
    const [short] = this.host.admission.shortages(pod);
    if (short) {
      const { resource, requested, used, capacity } = short;
      const never = requested > capacity;
      const reason = never ? 'Infeasible' : 'Deferred';
      const message = never
        ? `Node didn't have enough capacity: ${resource}, requested: ${requested}, capacity: ${capacity}`
        : `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
      if (this.pending?.reason !== reason || this.pending.message !== message)
        this.host.recorder.event(pod, 'Warning', `Resize${reason}`, message);
      this.pending = { type: 'PodResizePending', status: 'True', reason, message };
      if (!never) this.link.later(retryMs);
      return false;
    }
    for (const container of changed) {
      const one = latest(view, container.name);
      if (one?.state === 'running' && !this.behind.has(one.id)) this.behind.set(one.id, this.grantOf(container));
      if (one?.state === 'running' && restartsFor(container, this.grantOf(container)))
        this.restarts.set(one.id, `Container ${container.name} resize requires restart`);
      this.granted.set(container.name, container.resources);
    }
    this.memo = undefined;
    this.host.admission.adopt(pod);
    this.pending = undefined;
    this.progress = { type: 'PodResizeInProgress', status: 'True' };
    return true;
  }

  /** @returns whether the container has what was granted */
  private async update(container: Container, one: PodContainer): Promise<boolean> {
    // The kill is on its way; its successor is made with the new resources.
    if (this.restarts.has(one.id)) return false;
    const wanted = resourcesOf({ ...container, resources: this.grantOf(container) });
    if (isDeepStrictEqual(this.done.get(one.id), wanted) || isDeepStrictEqual(one.resources, wanted)) {
      this.behind.delete(one.id);
      return true;
    }
    try {
      await this.checkUsage(one, wanted.memoryBytes);
      await this.host.runtime.updateResources(one.id, wanted);
      this.done.set(one.id, wanted);
      this.behind.delete(one.id);
      return true;
    } catch (error) {
      if (isUnreachable(error)) throw error;
      const { message } = error as Error;
      if (this.progress?.message !== message)
        this.host.recorder.event(this.link.pod(), 'Warning', 'ResizeError', message);
      this.progress = { type: 'PodResizeInProgress', status: 'True', reason: 'Error', message };
      return false;
    }
  }

  /** A limit below what is used would have the kernel kill the container at once. */
  private async checkUsage(one: PodContainer, limit: number | undefined): Promise<void> {
    if (limit === undefined || limit >= (one.resources?.memoryBytes ?? 0)) return;
    const usage = (await this.host.runtime.stats(one.id))?.memoryBytes ?? 0;
    if (usage >= limit)
      throw new Error(`attempting to set container memory limit (${limit}) below current usage (${usage})`);
  }

  private announce(reason: string, words: string): void {
    const pod = this.link.pod();
    const containers = resizable(pod).map((one) => ({ name: one.name, resources: this.grantOf(one) ?? {} }));
    const details = JSON.stringify({ containers, generation: pod.metadata.generation });
    this.host.recorder.event(pod, 'Normal', reason, `${words}: ${details}`);
  }
}

/** App containers and sidecars; other init containers are resized by their next run. */
const resizable = (pod: Pod): Container[] => [...pod.spec!.containers, ...(pod.spec!.initContainers ?? [])];

/** What an earlier agent granted a container that has run. */
function reportedGrant(pod: Pod, { name }: Container): ResourceRequirements | undefined {
  const status = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find(
    (one: ContainerStatus) => one.name === name,
  );
  if (!status?.containerID || !status.resources) return undefined;
  const requests = status.allocatedResources ?? status.resources.requests;
  const { limits } = status.resources;
  return { ...(requests ? { requests } : {}), ...(limits ? { limits } : {}) };
}

/** Whether the change of a resource of the container asks for a restart. */
function restartsFor(container: Container, before: ResourceRequirements | undefined): boolean {
  return (container.resizePolicy ?? []).some(({ resourceName, restartPolicy }) => {
    const parse = resourceName === 'cpu' ? parseCpuMillis : parseBytes;
    const amount = (resources: ResourceRequirements | undefined, kind: 'requests' | 'limits'): number =>
      parse(resources?.[kind]?.[resourceName]);
    return (
      restartPolicy === 'RestartContainer' &&
      (['requests', 'limits'] as const).some((kind) => amount(container.resources, kind) !== amount(before, kind))
    );
  });
}
