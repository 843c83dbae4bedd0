import type { PersistentVolume, PersistentVolumeClaim } from '@shared/k8s';
import { keyOf, resources } from '../client/resources';
import type { KubeClient } from '../client/types';
import type { Clock } from '../clock';
import { isBound, selectedNode } from './plugins/volume-matching';
import type { ClusterView } from './view';

/** What is to be done for a pod's claims before it is bound to a node. */
export interface VolumePlan {
  node: string;
  /** Volumes that are there and will be used. */
  chosen: { claim: PersistentVolumeClaim; volume: PersistentVolume }[];
  /** Claims for which a volume is to be made. */
  provisioned: PersistentVolumeClaim[];
}

export interface VolumeBinderOptions {
  client: KubeClient;
  view: ClusterView;
  clock: Clock;
  timeoutMs: number;
}

/** Carries out what was decided about claims: writes it to the API and waits for the volume controller to bind them. */
export class VolumeBinder {
  private readonly plans = new Map<string, VolumePlan>();
  /** Volumes that pods on their way were promised, with the claim they are for. */
  private readonly taken = new Map<string, string>();

  constructor(private readonly options: VolumeBinderOptions) {}

  reserve(pod: string, plan: VolumePlan): void {
    this.plans.set(pod, plan);
    for (const { claim, volume } of plan.chosen) this.taken.set(volume.metadata.name, keyOf(claim));
  }

  has(pod: string): boolean {
    return this.plans.has(pod);
  }

  release(pod: string): void {
    for (const { volume } of this.plans.get(pod)?.chosen ?? []) this.taken.delete(volume.metadata.name);
    this.plans.delete(pod);
  }

  /** Whether a volume is promised to another claim. */
  isTaken(volume: string, claim: PersistentVolumeClaim): boolean {
    const holder = this.taken.get(volume);
    return holder !== undefined && holder !== keyOf(claim);
  }

  /** @throws Error when the claims are not bound in time, or will not be */
  async bind(pod: string, signal: AbortSignal): Promise<void> {
    const plan = this.plans.get(pod)!;
    const { client } = this.options;
    const versions = new Map<string, number>();
    for (const { claim, volume } of plan.chosen) {
      const { namespace, name, uid, resourceVersion } = claim.metadata;
      const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion };
      const metadata = {
        // Refused when somebody else took it meanwhile.
        resourceVersion: volume.metadata.resourceVersion,
        annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' },
      };
      await client.patch(resources.persistentVolumes, undefined, volume.metadata.name, {
        metadata,
        spec: { claimRef },
      });
    }
    for (const claim of plan.provisioned) {
      const { namespace, name } = claim.metadata;
      const patch = { metadata: { annotations: { [selectedNode]: plan.node } } };
      const written = await client.patch(resources.persistentVolumeClaims, namespace, name, patch);
      versions.set(keyOf(claim), Number(written.metadata.resourceVersion));
    }
    await this.bound(plan, versions, signal);
    this.release(pod);
  }

  /** Resolves when every claim of the plan is bound. */
  private bound(plan: VolumePlan, versions: ReadonlyMap<string, number>, signal: AbortSignal): Promise<void> {
    const { clock, view, timeoutMs } = this.options;
    const claims = [...plan.chosen.map(({ claim }) => claim), ...plan.provisioned];
    return new Promise((resolve, reject) => {
      const end = (error?: Error) => {
        timer.cancel();
        unsubscribe();
        signal.removeEventListener('abort', aborted);
        if (error) reject(new Error(`binding volumes: ${error.message}`));
        else resolve();
      };
      const check = () => {
        let open = 0;
        for (const claim of claims) {
          const { namespace, name } = claim.metadata;
          const now = view.claim(namespace!, name);
          if (!now) return end(new Error(`persistentvolumeclaim ${JSON.stringify(name)} not found`));
          if (isBound(now)) continue;
          open += 1;
          // The provisioner takes the choice back when it cannot make the volume there.
          const written = versions.get(keyOf(claim));
          const seen = written !== undefined && Number(now.metadata.resourceVersion) >= written;
          if (seen && now.metadata.annotations?.[selectedNode] !== plan.node) {
            return end(new Error(`selectedNode annotation reset for PVC ${JSON.stringify(name)}`));
          }
        }
        if (open === 0) end();
      };
      const aborted = () => end(new Error('the pod is gone'));
      const timer = clock.setTimeout(() => end(new Error('context deadline exceeded')), timeoutMs);
      const unsubscribe = view.onClaimChange(check);
      signal.addEventListener('abort', aborted);
      if (signal.aborted) aborted();
      else check();
    });
  }
}
