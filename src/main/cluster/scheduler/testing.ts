/** What the scheduler's tests build their little clusters from. */
import type { Node, Pod, PodSpec } from '@shared/k8s';
import { Profile } from './framework/profile';
import { place, type Placement, refusalMessage } from './placement';
import type { SchedulerProfile } from './settings';
import { NodeInfo, PodInfo, Snapshot } from './snapshot';
import type { ClusterView } from './view';
import { VolumeBinder } from './volume-binder';

export interface PodOptions extends Omit<Partial<PodSpec>, 'containers'> {
  name?: string;
  namespace?: string;
  labels?: Record<string, string>;
  requests?: Record<string, string>;
  containers?: PodSpec['containers'];
  status?: Pod['status'];
  image?: string;
}

let uids = 0;

export function podInfo(options: PodOptions = {}): PodInfo {
  const { name = `p${++uids}`, namespace = 'default', labels, requests = {}, status, image = 'i', ...spec } = options;
  return new PodInfo({
    metadata: { name, namespace, labels, uid: `uid-${++uids}` },
    spec: { containers: [{ name: 'c', image, resources: { requests } }], ...spec },
    status,
  } as unknown as Pod);
}

export interface NodeOptions {
  spec?: Node['spec'];
  labels?: Record<string, string>;
  allocatable?: Record<string, string>;
  images?: { names: string[]; sizeBytes: number }[];
}

export function node(name: string, { spec, labels, allocatable, images }: NodeOptions = {}): Node {
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...allocatable }, images },
  } as unknown as Node;
}

const emptyView: ClusterView = {
  claim: () => undefined,
  onClaimChange: () => () => {},
  volume: () => undefined,
  volumes: () => [],
  storageClass: () => undefined,
  budgets: () => [],
  groupSelector: () => undefined,
};

/** A snapshot with a profile, to ask where pods would go. */
export function cluster(options: { view?: Partial<ClusterView>; profile?: Partial<SchedulerProfile> } = {}) {
  const snapshot = new Snapshot();
  const view = { ...emptyView, ...options.view };
  const clock = { now: () => 0, setTimeout: () => ({ cancel() {} }) };
  const binder = new VolumeBinder({ client: undefined as never, view, clock, timeoutMs: 0 });
  const profile = new Profile({ schedulerName: 'default-scheduler', ...options.profile }, { view, binder });
  const decide = (pod: PodInfo, start = 0, random = () => 0): Placement =>
    place(profile, pod, snapshot, { start, random });
  return {
    snapshot,
    profile,
    decide,
    node(name: string, about?: NodeOptions): NodeInfo {
      snapshot.setNode(node(name, about));
      return snapshot.get(name)!;
    },
    /** Puts a pod on a node. */
    on(name: string, about: PodOptions | PodInfo = {}): PodInfo {
      const pod = about instanceof PodInfo ? about : podInfo(about);
      snapshot.assume(pod, name);
      return pod;
    },
    nodeOf: (about: PodOptions | PodInfo, random = () => 0) =>
      decide(about instanceof PodInfo ? about : podInfo(about), 0, random).node?.name,
    why(about: PodOptions | PodInfo): string | undefined {
      const placement = decide(about instanceof PodInfo ? about : podInfo(about));
      return placement.node ? undefined : refusalMessage(placement);
    },
    /** What a plugin gave each node. */
    scores(about: PodOptions, plugin: string): Record<string, number> {
      const { feasible, scores } = decide(podInfo(about));
      const part = scores.find((each) => each.plugin === plugin);
      return Object.fromEntries(feasible.map(({ name }, index) => [name, part?.scores[index] ?? NaN]));
    },
  };
}
