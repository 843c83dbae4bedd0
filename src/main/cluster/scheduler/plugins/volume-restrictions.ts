import type { Plugin } from '../framework/types';
import type { ClusterView } from '../view';
import { splitKey } from '../../client/resources';

interface State {
  claims: readonly string[];
  /** Pods that use one of them. */
  users: number;
}

const refused = {
  reasons: ['node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode'],
};

/** A claim for one pod alone (ReadWriteOncePod) is given to no second one. */
export function volumeRestrictions(view: ClusterView): Plugin<State> {
  const exclusive = (claim: string): boolean => {
    const { namespace, name } = splitKey(claim);
    return view.claim(namespace!, name)?.spec?.accessModes?.includes('ReadWriteOncePod') ?? false;
  };
  return {
    name: 'VolumeRestrictions',
    preFilter(pod, snapshot) {
      if (pod.claims.length === 0) return { skip: true };
      const claims = pod.claims.filter(exclusive);
      const users = claims.reduce((sum, claim) => sum + snapshot.claimUsers(claim), 0);
      return users > 0 ? { state: { claims, users } } : { skip: true };
    },
    filter: (_, __, { users }) => (users > 0 ? refused : undefined),
    moved(_, __, state, other, change) {
      for (const claim of state.claims) if (other.claims.includes(claim)) state.users += change;
    },
    helps: (event, pod) =>
      event.type === 'freed' ? event.pod.claims.some((claim) => pod.claims.includes(claim)) : event.type === 'claim',
  };
}
