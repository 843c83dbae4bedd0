import type { ApiSchema } from '../../api/schema/types';
import type { Clock } from '../../clock';
import type { Logger } from '../../log';
import type { Store } from '../../store/types';
import { creationAccess } from '../access';
import { Admission } from '../admission';
import { certificateAccess } from '../certificate-access';
import type { Authorizer, ServerContext } from '../context';
import { namespaceLifecycle } from '../namespaces';
import type { Reaching } from '../proxy';
import type { Rbac } from '../rbac/authorizer';
import { escalationCheck } from '../rbac/escalation';
import { serviceAccountAdmission } from '../service-account-admission';
import type { ServiceAccountTokens } from '../tokens/service-account';
import { defaultIngressClass } from './default-ingress-class';
import { defaultStorageClass } from './default-storage-class';
import { limitRanger } from './limit-ranger';
import { podSecurity } from './pod-security';
import { validatingPolicies } from './policies';
import { priority } from './priority';
import { resourceQuota } from './resource-quota';
import { runtimeClass } from './runtime-class';
import { storageObjectInUseProtection } from './storage-object-in-use';
import { volumeResize } from './volume-resize';
import { mutatingWebhooks, validatingWebhooks } from './webhooks';
import { createWebhookCaller } from './webhooks/call';

export interface AdmissionOptions {
  store: Store;
  schema: ApiSchema;
  clock: Clock;
  log: Logger;
  rbac?: Rbac;
  tokens?: ServiceAccountTokens;
  /** In [0, 1). */
  random?: () => number;
}

/**
 * The plugins of the API server in the order in which Kubernetes asks them.
 * @param server what is served, and the way to pods that serve webhooks and who may do what; asked once requests come in
 */
export function createAdmission(
  options: AdmissionOptions,
  server: () => Reaching & Pick<ServerContext, 'authorize'>,
): Admission {
  const { store, clock, rbac, tokens, random = Math.random } = options;
  const registry = () => server().registry;
  const authorize: Authorizer = (asked) => server().authorize(asked);
  const webhooks = { ...options, registry, authorize, caller: createWebhookCaller({ clock, reaching: server }) };
  const forPods = [
    limitRanger(store),
    ...(tokens ? [serviceAccountAdmission({ store, clock, random })] : []),
    podSecurity(store),
    priority(store),
    defaultStorageClass(store),
    volumeResize(store),
    storageObjectInUseProtection(),
    runtimeClass(store),
    defaultIngressClass(store),
  ];
  return new Admission([
    namespaceLifecycle(store),
    ...(rbac ? [creationAccess(rbac.authorize)] : []),
    ...forPods,
    mutatingWebhooks(webhooks, new Admission(forPods)),
    // What the webhooks made of a role or a binding is what must not give more than the user has.
    ...(rbac ? [escalationCheck(rbac), certificateAccess(rbac.authorize)] : []),
    validatingPolicies({ store, registry, authorize }),
    validatingWebhooks(webhooks),
    resourceQuota(store),
  ]);
}
