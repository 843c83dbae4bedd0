import type { KubeObject } from '@shared/k8s';
import { KubectlError, quote } from '../errors';
import { revisionOf } from './history';

/** What `rollout status` says about a workload now. `done` ends the waiting. */
export interface RolloutState {
  message: string;
  done: boolean;
}

function deploymentState(object: KubeObject, revision: number): RolloutState {
  const name = object.metadata?.name ?? '';
  if (revision > 0 && revisionOf(object) !== revision) {
    throw new KubectlError(
      `desired revision (${revision}) is different from the running revision (${revisionOf(object)})`,
    );
  }
  const { spec = {}, status = {} } = object;
  if ((object.metadata?.generation ?? 0) > (status.observedGeneration ?? 0)) {
    return { message: 'Waiting for deployment spec update to be observed...', done: false };
  }
  const progressing = status.conditions?.find((condition: { type: string }) => condition.type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') {
    throw new KubectlError(`deployment ${quote(name)} exceeded its progress deadline`);
  }
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  const waiting = (why: string): RolloutState => ({
    message: `Waiting for deployment ${quote(name)} rollout to finish: ${why}...`,
    done: false,
  });
  if (updatedReplicas < (spec.replicas ?? 1))
    return waiting(`${updatedReplicas} out of ${spec.replicas ?? 1} new replicas have been updated`);
  if (replicas > updatedReplicas) return waiting(`${replicas - updatedReplicas} old replicas are pending termination`);
  if (availableReplicas < updatedReplicas)
    return waiting(`${availableReplicas} of ${updatedReplicas} updated replicas are available`);
  return { message: `deployment ${quote(name)} successfully rolled out`, done: true };
}

function daemonSetState(object: KubeObject): RolloutState {
  const name = quote(object.metadata?.name ?? '');
  const { spec = {}, status = {} } = object;
  if (spec.updateStrategy?.type !== 'RollingUpdate') {
    throw new KubectlError('rollout status is only available for RollingUpdate strategy type');
  }
  if ((object.metadata?.generation ?? 0) > (status.observedGeneration ?? 0)) {
    return { message: 'Waiting for daemon set spec update to be observed...', done: false };
  }
  const { updatedNumberScheduled = 0, desiredNumberScheduled = 0, numberAvailable = 0 } = status;
  const head = `Waiting for daemon set ${name} rollout to finish:`;
  if (updatedNumberScheduled < desiredNumberScheduled) {
    return {
      message: `${head} ${updatedNumberScheduled} out of ${desiredNumberScheduled} new pods have been updated...`,
      done: false,
    };
  }
  if (numberAvailable < desiredNumberScheduled) {
    return {
      message: `${head} ${numberAvailable} of ${desiredNumberScheduled} updated pods are available...`,
      done: false,
    };
  }
  return { message: `daemon set ${name} successfully rolled out`, done: true };
}

function statefulSetState(object: KubeObject): RolloutState {
  const { spec = {}, status = {} } = object;
  if (spec.updateStrategy?.type !== 'RollingUpdate') {
    throw new KubectlError('rollout status is only available for RollingUpdate strategy type');
  }
  const wanted = spec.replicas ?? 1;
  if (!status.observedGeneration || (object.metadata?.generation ?? 0) > status.observedGeneration) {
    return { message: 'Waiting for statefulset spec update to be observed...', done: false };
  }
  const { readyReplicas = 0, updatedReplicas = 0 } = status;
  if (readyReplicas < wanted)
    return { message: `Waiting for ${wanted - readyReplicas} pods to be ready...`, done: false };
  const partition = spec.updateStrategy.rollingUpdate?.partition ?? 0;
  if (partition > 0) {
    if (updatedReplicas < wanted - partition) {
      return {
        message: `Waiting for partitioned roll out to finish: ${updatedReplicas} out of ${wanted - partition} new pods have been updated...`,
        done: false,
      };
    }
    return { message: `partitioned roll out complete: ${updatedReplicas} new pods have been updated...`, done: true };
  }
  if (status.updateRevision !== status.currentRevision) {
    return {
      message: `waiting for statefulset rolling update to complete ${updatedReplicas} pods at revision ${status.updateRevision}...`,
      done: false,
    };
  }
  return {
    message: `statefulset rolling update complete ${status.currentReplicas ?? 0} pods at revision ${status.currentRevision}...`,
    done: true,
  };
}

/** @param revision 0 for any @throws KubectlError when the rollout failed or the kind has none */
export function rolloutState(object: KubeObject, revision = 0): RolloutState {
  switch (object.kind) {
    case 'Deployment':
      return deploymentState(object, revision);
    case 'DaemonSet':
      return daemonSetState(object);
    case 'StatefulSet':
      return statefulSetState(object);
    default:
      throw new KubectlError(`no status viewer has been implemented for ${object.kind}`);
  }
}
