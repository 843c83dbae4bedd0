import type { ContainerStatus, Pod, PodCondition, PodStatus } from '@shared/k8s';
import { ApiError } from '../api/errors';
import { resources } from '../client/resources';
import type { KubeClient } from '../client/types';
import type { Clock } from '../clock';
import { cloneJson, jsonEqual } from '../json';
import type { Logger } from '../log';

const retryMs = 1000;

/**
 * Writes the status of one pod: only what changed, one patch at a time, the
 * newest when several came meanwhile.
 */
export class StatusWriter {
  private sent: PodStatus | undefined;
  private wanted: PodStatus | undefined;
  private writing: Promise<void> = Promise.resolve();
  /** Whether a write is under way that will see what is published now. */
  private busy = false;
  private closed = false;
  /** The revision of the last write; what the API tells of the pod from before it is old news. */
  private revision = 0;

  constructor(
    private readonly pod: Pod,
    private readonly options: { client: KubeClient; clock: Clock; log: Logger },
  ) {
    this.sent = pod.status as PodStatus | undefined;
  }

  /** The status as it was last published, or as the API had it at first. */
  get last(): PodStatus | undefined {
    return this.wanted ?? this.sent;
  }

  /** What it says of a container. */
  container(name: string): ContainerStatus | undefined {
    const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = this.last ?? {};
    return [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find(
      (one) => one.name === name,
    );
  }

  publish(status: PodStatus): void {
    if (this.closed || statusPatch(this.last, status) === undefined) return;
    this.wanted = status;
    this.start();
  }

  /** The pod as the API has it now: what others changed of its status is put right, because this node knows better. */
  observe(pod: Pod): void {
    const known = this.sent;
    if (this.closed || this.busy || !known || known === this.pod.status) return;
    if (Number(pod.metadata.resourceVersion) <= this.revision || statusPatch(pod.status, known) === undefined) return;
    this.sent = pod.status as PodStatus | undefined;
    this.wanted = known;
    this.start();
  }

  /** Resolves when what was published so far is written (or can never be). */
  async flush(): Promise<void> {
    while (this.busy) await this.writing;
  }

  close(): void {
    this.closed = true;
  }

  private start(): void {
    if (this.busy) return;
    this.busy = true;
    this.writing = this.write();
  }

  /** Ends in the same turn in which it finds nothing more to write: what is published after that starts another. */
  private async write(): Promise<void> {
    const { name, namespace, uid } = this.pod.metadata;
    while (this.wanted && !this.closed) {
      const status = this.wanted;
      const patch = statusPatch(this.sent, status);
      if (patch) {
        try {
          const written = await this.options.client.patch(
            resources.pods,
            namespace,
            name,
            { metadata: { uid }, status: patch },
            { type: 'strategic', subresource: 'status' },
          );
          this.revision = Number(written.metadata.resourceVersion);
        } catch (error) {
          const code = error instanceof ApiError ? error.code : 0;
          if (code === 404 || code === 409) {
            this.close();
            break;
          }
          this.options.log.warn('the status of a pod could not be written, trying again', {
            pod: `${namespace}/${name}`,
            error: error as Error,
          });
          await new Promise<void>((resolve) => void this.options.clock.setTimeout(resolve, retryMs));
          continue;
        }
      }
      this.sent = status;
      if (this.wanted === status) this.wanted = undefined;
    }
    this.busy = false;
  }
}

/** The strategic merge patch from one status to the other; undefined when they are the same. */
export function statusPatch(from: PodStatus | undefined, to: PodStatus): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(to) as (keyof PodStatus)[]) {
    if (key === 'conditions') continue;
    if (from?.[key] === to[key]) continue;
    const value = cloneJson(to[key]);
    if (jsonEqual(cloneJson(from?.[key]), value)) continue;
    // These lists merge by address; what is meant is this list and no other.
    patch[key] = key === 'podIPs' || key === 'hostIPs' ? [...(value as object[]), { $patch: 'replace' }] : value;
  }
  for (const key of ['reason', 'message'] as const)
    if (from?.[key] !== undefined && to[key] === undefined) patch[key] = null;
  const conditions = (to.conditions ?? []).filter(
    (condition) => !from?.conditions?.some((old) => sameCondition(old, condition)),
  );
  const gone = (from?.conditions ?? []).filter(
    ({ type }) => passingConditions.has(type) && !to.conditions?.some((one) => one.type === type),
  );
  if (conditions.length + gone.length > 0)
    patch.conditions = [
      ...conditions.map((condition) => ({ reason: null, message: null, ...condition })),
      ...gone.map(({ type }) => ({ type, $patch: 'delete' })),
    ];
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** Conditions of this node that are taken away again, rather than becoming False. */
const passingConditions = new Set(['PodResizePending', 'PodResizeInProgress']);

function sameCondition(a: PodCondition, b: PodCondition): boolean {
  return a.type === b.type && a.status === b.status && a.reason === b.reason && a.message === b.message;
}
