import { controllerRevision } from './apps/controllerrevision';
import { deployment } from './apps/deployment';
import { replicaSet } from './apps/replicaset';
import { lease } from './coordination/lease';
import { configMap } from './core/configmap';
import { endpoints } from './core/endpoints';
import { event } from './core/event';
import { namespace } from './core/namespace';
import { node } from './core/node';
import { pod } from './core/pod';
import { secret } from './core/secret';
import { service } from './core/service';
import { serviceAccount } from './core/serviceaccount';
import { endpointSlice } from './discovery/endpointslice';
import type { KindDefinition } from './kind';

/** Every built-in kind, in the order discovery lists them. */
export const kinds: KindDefinition[] = [
  configMap,
  endpoints,
  event,
  namespace,
  node,
  pod,
  secret,
  serviceAccount,
  service,
  controllerRevision,
  deployment,
  replicaSet,
  lease,
  endpointSlice,
];
