import type { KindView } from './types';
import { configMaps } from './configmaps';
import { controllerRevisions } from './controllerrevisions';
import { deployments } from './deployments';
import { endpoints } from './endpoints';
import { endpointSlices } from './endpointslices';
import { events } from './events';
import { leases } from './leases';
import { namespaces } from './namespaces';
import { nodes } from './nodes';
import { pods } from './pods';
import { replicaSets } from './replicasets';
import { secrets } from './secrets';
import { serviceAccounts } from './serviceaccounts';
import { services } from './services';

/** Every kind the window knows. */
export const kindViews: readonly KindView[] = [
  nodes,
  namespaces,
  events,
  leases,
  pods,
  deployments,
  replicaSets,
  controllerRevisions,
  configMaps,
  secrets,
  services,
  endpoints,
  endpointSlices,
  serviceAccounts,
];

const byId = new Map(kindViews.map((view) => [view.id, view]));
const byKind = new Map(kindViews.map((view) => [`${view.group}/${view.kind}`, view]));

/** The view with that id (`deployments`), if there is one. */
export function kindView(id: string): KindView | undefined {
  return byId.get(id);
}

/** The view of an object's `apiVersion` and `kind`, e.g. of an owner or of what an event is about. */
export function kindViewOf(apiVersion: string, kind: string): KindView | undefined {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  return byKind.get(`${group}/${kind}`);
}
