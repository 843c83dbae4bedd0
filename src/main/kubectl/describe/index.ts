import { humanAge } from '@shared/duration';
import type { KubeObject } from '@shared/k8s';
import type { Mapping } from '../discovery';
import type { Session } from '../session';
import { describeAutoscaler } from './autoscaler';
import { describeConfigMap, describeNamespace, describeSecret, describeServiceAccount } from './config';
import { describeEndpoints, describeEndpointSlice } from './endpoints';
import { eventsOf } from './events';
import { describeGeneric } from './generic';
import { describeIngress } from './ingress';
import { describeCronJob, describeJob } from './jobs';
import { describeDisruptionBudget, describeLimitRange, describeQuota } from './limits';
import { Lines } from './lines';
import { describeNode } from './node';
import { describePod } from './pod';
import { describeRole, describeRoleBinding } from './rbac';
import { describeService } from './service';
import { describeClaim, describeStorageClass, describeVolume } from './storage';
import type { Describe } from './types';
import { describeDaemonSet, describeDeployment, describeReplicaSet, describeStatefulSet } from './workloads';

/** The kinds with a description of their own, by `kind.group`. */
const describers: Record<string, Describe> = {
  'Pod.': describePod,
  'Deployment.apps': describeDeployment,
  'ReplicaSet.apps': describeReplicaSet,
  'DaemonSet.apps': describeDaemonSet,
  'StatefulSet.apps': describeStatefulSet,
  'Service.': describeService,
  'Node.': describeNode,
  'Namespace.': describeNamespace,
  'ConfigMap.': describeConfigMap,
  'Secret.': describeSecret,
  'ServiceAccount.': describeServiceAccount,
  'Endpoints.': describeEndpoints,
  'EndpointSlice.discovery.k8s.io': describeEndpointSlice,
  'Job.batch': describeJob,
  'CronJob.batch': describeCronJob,
  'HorizontalPodAutoscaler.autoscaling': describeAutoscaler,
  'PodDisruptionBudget.policy': describeDisruptionBudget,
  'ResourceQuota.': describeQuota,
  'LimitRange.': describeLimitRange,
  'Ingress.networking.k8s.io': describeIngress,
  'PersistentVolumeClaim.': describeClaim,
  'PersistentVolume.': describeVolume,
  'StorageClass.storage.k8s.io': describeStorageClass,
  'Role.rbac.authorization.k8s.io': describeRole,
  'ClusterRole.rbac.authorization.k8s.io': describeRole,
  'RoleBinding.rbac.authorization.k8s.io': describeRoleBinding,
  'ClusterRoleBinding.rbac.authorization.k8s.io': describeRoleBinding,
};

/** The description of an object as `kubectl describe` prints it. */
export async function describeObject(
  session: Session,
  mapping: Mapping,
  object: KubeObject,
  showEvents: boolean,
): Promise<string> {
  const typed: KubeObject = {
    ...object,
    apiVersion: object.apiVersion ?? (mapping.group ? `${mapping.group}/${mapping.version}` : mapping.version),
    kind: object.kind ?? mapping.kind,
  };
  const lines = new Lines();
  const now = session.now();
  const describe = describers[`${mapping.kind}.${mapping.group}`] ?? describeGeneric;
  const events = showEvents ? await eventsOf(session, typed) : [];
  await describe({
    lines,
    object: typed,
    mapping,
    events,
    showEvents,
    session,
    now,
    age: (time) => humanAge(time, now),
  });
  return lines.aligned();
}
