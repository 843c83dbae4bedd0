import type { Clock } from '../../clock';
import type { Store } from '../../store/types';
import { creationAccess } from '../access';
import { Admission } from '../admission';
import { certificateAccess } from '../certificate-access';
import { namespaceLifecycle } from '../namespaces';
import type { Rbac } from '../rbac/authorizer';
import { escalationCheck } from '../rbac/escalation';
import { serviceAccountAdmission } from '../service-account-admission';
import type { ServiceAccountTokens } from '../tokens/service-account';
import { defaultStorageClass } from './default-storage-class';
import { limitRanger } from './limit-ranger';
import { podSecurity } from './pod-security';
import { priority } from './priority';
import { resourceQuota } from './resource-quota';
import { runtimeClass } from './runtime-class';
import { volumeResize } from './volume-resize';

export interface AdmissionOptions {
  store: Store;
  clock: Clock;
  rbac?: Rbac;
  tokens?: ServiceAccountTokens;
  /** In [0, 1). */
  random?: () => number;
}

/** The plugins of the API server in the order in which Kubernetes asks them. */
export function createAdmission({ store, clock, rbac, tokens, random = Math.random }: AdmissionOptions): Admission {
  return new Admission([
    namespaceLifecycle(store),
    ...(rbac ? [creationAccess(rbac.authorize)] : []),
    limitRanger(store),
    ...(tokens ? [serviceAccountAdmission({ store, clock, random })] : []),
    podSecurity(store),
    priority(store),
    defaultStorageClass(store),
    volumeResize(store),
    runtimeClass(store),
    // What the webhooks made of a role or a binding is what must not give more than the user has.
    ...(rbac ? [escalationCheck(rbac), certificateAccess(rbac.authorize)] : []),
    resourceQuota(store),
  ]);
}
