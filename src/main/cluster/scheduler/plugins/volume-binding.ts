import type { PersistentVolume, PersistentVolumeClaim } from '@shared/k8s';
import { parseBytes } from '@shared/quantity';
import { splitKey } from '../../client/resources';
import type { Plugin, Refusal } from '../framework/types';
import type { NodeInfo, PodInfo } from '../snapshot';
import type { ClusterView } from '../view';
import type { VolumeBinder, VolumePlan } from '../volume-binder';
import { isBound, provisionable, reachable, selectedNode, suits } from './volume-matching';

/** The claims of a pod. */
interface State {
  bound: PersistentVolumeClaim[];
  /** Those whose class waits for the pod to have a node. */
  waiting: PersistentVolumeClaim[];
}

const whole = (reason: string): Refusal => ({ reasons: [reason], unresolvable: true });
const unbound = whole('pod has unbound immediate PersistentVolumeClaims');
const elsewhere = whole('node(s) had volume node affinity conflict');
const nothingToBind = whole("node(s) didn't find available persistent volumes to bind");
const volumeGone = whole('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)');

/**
 * Finds a node from which all of a pod's volumes can be used, choosing or asking
 * for those that wait for a node to be chosen.
 */
export function volumeBinding(view: ClusterView, binder: VolumeBinder): Plugin<State> {
  const waitsForNode = (claim: PersistentVolumeClaim): boolean => {
    const name = claim.spec?.storageClassName;
    return Boolean(name) && view.storageClass(name!)?.volumeBindingMode === 'WaitForFirstConsumer';
  };

  /** What is to be done for the pod's claims on a node, or why it cannot be. */
  const plan = ({ waiting }: State, { name, node }: NodeInfo): VolumePlan | Refusal => {
    const result: VolumePlan = { node: name, chosen: [], provisioned: [] };
    for (const claim of waiting) {
      const selected = claim.metadata.annotations?.[selectedNode];
      if (selected && selected !== name) return nothingToBind;
      const volume = smallest(
        view
          .volumes()
          .filter(
            (candidate) =>
              suits(candidate, claim) &&
              reachable(candidate, node!) &&
              !binder.isTaken(candidate.metadata.name, claim) &&
              !result.chosen.some((other) => other.volume === candidate),
          ),
      );
      if (volume) result.chosen.push({ claim, volume });
      else if (provisionable(view.storageClass(claim.spec!.storageClassName!), node!)) result.provisioned.push(claim);
      else return nothingToBind;
    }
    return result;
  };

  return {
    name: 'VolumeBinding',
    preFilter(pod) {
      if (pod.claims.length === 0) return { skip: true };
      const found = claimsOf(pod, view);
      if ('reasons' in found) return { refused: found };
      const state: State = { bound: [], waiting: [] };
      for (const claim of found.claims) {
        if (isBound(claim)) state.bound.push(claim);
        else if (!claim.spec?.volumeName && waitsForNode(claim)) state.waiting.push(claim);
        else return { refused: unbound };
      }
      return { state };
    },
    filter(_, info, state) {
      for (const claim of state.bound) {
        const volume = view.volume(claim.spec!.volumeName!);
        if (!volume) return volumeGone;
        if (!reachable(volume, info.node!)) return elsewhere;
      }
      if (state.waiting.length === 0) return undefined;
      const found = plan(state, info);
      return 'reasons' in found ? found : undefined;
    },
    reserve(pod, node) {
      const found = pod.claims.length > 0 ? claimsOf(pod, view) : undefined;
      if (!found || 'reasons' in found) return found;
      const waiting = found.claims.filter((claim) => !isBound(claim));
      if (waiting.length === 0) return undefined;
      const planned = plan({ bound: [], waiting }, node);
      if ('reasons' in planned) return planned;
      binder.reserve(pod.uid, planned);
      return undefined;
    },
    unreserve: (pod) => binder.release(pod.uid),
    preBind: (pod, _, signal) => (binder.has(pod.uid) ? binder.bind(pod.uid, signal) : undefined),
    helps(event, pod) {
      if (event.type === 'claim') return pod.claims.includes(event.claim);
      return event.type === 'volume' || event.type === 'storageClass' || event.type === 'node';
    },
  };
}

/** The claims behind a pod's volumes, or what is wrong with one. */
function claimsOf({ claims, pod }: PodInfo, view: ClusterView): { claims: PersistentVolumeClaim[] } | Refusal {
  const found: PersistentVolumeClaim[] = [];
  for (const key of claims) {
    const { namespace, name } = splitKey(key);
    const claim = view.claim(namespace!, name);
    const quoted = `persistentvolumeclaim ${JSON.stringify(name)}`;
    const own = pod.spec!.volumes!.some((volume) => volume.ephemeral && `${pod.metadata.name}-${volume.name}` === name);
    if (!claim) {
      return whole(own ? `waiting for ephemeral volume controller to create the ${quoted}` : `${quoted} not found`);
    }
    if (claim.status?.phase === 'Lost') {
      return whole(`${quoted} bound to non-existent persistentvolume ${JSON.stringify(claim.spec?.volumeName ?? '')}`);
    }
    if (claim.metadata.deletionTimestamp) return whole(`${quoted} is being deleted`);
    if (own && !claim.metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === pod.metadata.uid)) {
      return whole(`PVC ${key} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`);
    }
    found.push(claim);
  }
  return { claims: found };
}

function smallest(volumes: readonly PersistentVolume[]): PersistentVolume | undefined {
  let best: PersistentVolume | undefined;
  let least = Infinity;
  for (const volume of volumes) {
    // One that is kept for the claim comes first, whatever its size.
    const size = volume.spec?.claimRef ? -1 : parseBytes(volume.spec?.capacity?.storage ?? '0');
    if (size < least) [best, least] = [volume, size];
  }
  return best;
}
