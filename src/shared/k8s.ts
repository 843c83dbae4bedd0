/**
 * Kubernetes objects as they travel: the types of the official client with
 * dates as RFC 3339 strings. Types only, nothing here exists at run time.
 */
import type * as k8s from '@kubernetes/client-node';

/** T as JSON carries it: a Date becomes its string, at every depth. */
export type Wire<T> = T extends Date
  ? string
  : T extends (infer U)[]
    ? Wire<U>[]
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
      : T;

export type ObjectMeta = Wire<k8s.V1ObjectMeta>;
export type OwnerReference = Wire<k8s.V1OwnerReference>;
export type LabelSelector = Wire<k8s.V1LabelSelector>;
export type ObjectReference = Wire<k8s.V1ObjectReference>;

/** Any object of the Kubernetes API. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata?: ObjectMeta;
  spec?: any;
  status?: any;
  [field: string]: any;
}

/** A list as the API answers it. */
export interface KubeList<T extends KubeObject = KubeObject> {
  apiVersion: string;
  kind: string;
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: T[];
}

/** What the API answers when something failed (and to some deletes). */
export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: Record<string, unknown>;
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    causes?: { reason?: string; message?: string; field?: string }[];
    retryAfterSeconds?: number;
  };
  code?: number;
}

/** One event of a watch. For ERROR the object is a Status. */
export interface WatchEvent<T = KubeObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T;
}

/** T with the metadata that every stored object has. */
type Stored<T> = Wire<T> & {
  metadata: ObjectMeta & { name: string; uid: string; resourceVersion: string; creationTimestamp: string };
};

export type Namespace = Stored<k8s.V1Namespace>;
export type Node = Stored<k8s.V1Node>;
export type Pod = Stored<k8s.V1Pod>;
export type PodSpec = Wire<k8s.V1PodSpec>;
export type PodStatus = Wire<k8s.V1PodStatus>;
export type PodTemplateSpec = Wire<k8s.V1PodTemplateSpec>;
export type PodCondition = Wire<k8s.V1PodCondition>;
export type Container = Wire<k8s.V1Container>;
export type ContainerStatus = Wire<k8s.V1ContainerStatus>;
export type ContainerState = Wire<k8s.V1ContainerState>;
export type Probe = Wire<k8s.V1Probe>;
export type Volume = Wire<k8s.V1Volume>;
export type Taint = Wire<k8s.V1Taint>;
export type Toleration = Wire<k8s.V1Toleration>;
export type ResourceRequirements = Wire<k8s.V1ResourceRequirements>;
export type Service = Stored<k8s.V1Service>;
export type Endpoints = Stored<k8s.V1Endpoints>;
export type EndpointSlice = Stored<k8s.V1EndpointSlice>;
export type ConfigMap = Stored<k8s.V1ConfigMap>;
export type Secret = Stored<k8s.V1Secret>;
export type ServiceAccount = Stored<k8s.V1ServiceAccount>;
export type Event = Stored<k8s.CoreV1Event>;
export type Lease = Stored<k8s.V1Lease>;
export type Deployment = Stored<k8s.V1Deployment>;
export type ReplicaSet = Stored<k8s.V1ReplicaSet>;
export type ControllerRevision = Stored<k8s.V1ControllerRevision>;
export type PodTemplate = Stored<k8s.V1PodTemplate>;
export type ReplicationController = Stored<k8s.V1ReplicationController>;
export type LimitRange = Stored<k8s.V1LimitRange>;
export type ResourceQuota = Stored<k8s.V1ResourceQuota>;
export type PersistentVolume = Stored<k8s.V1PersistentVolume>;
export type PersistentVolumeClaim = Stored<k8s.V1PersistentVolumeClaim>;
export type PersistentVolumeClaimSpec = Wire<k8s.V1PersistentVolumeClaimSpec>;
export type StatefulSet = Stored<k8s.V1StatefulSet>;
export type DaemonSet = Stored<k8s.V1DaemonSet>;
export type Job = Stored<k8s.V1Job>;
export type JobSpec = Wire<k8s.V1JobSpec>;
export type CronJob = Stored<k8s.V1CronJob>;
export type HorizontalPodAutoscaler = Stored<k8s.V2HorizontalPodAutoscaler>;
export type HorizontalPodAutoscalerV1 = Stored<k8s.V1HorizontalPodAutoscaler>;
export type MetricSpec = Wire<k8s.V2MetricSpec>;
export type MetricStatus = Wire<k8s.V2MetricStatus>;
export type PodDisruptionBudget = Stored<k8s.V1PodDisruptionBudget>;
export type Ingress = Stored<k8s.V1Ingress>;
export type IngressBackend = Wire<k8s.V1IngressBackend>;
export type IngressClass = Stored<k8s.V1IngressClass>;
export type NetworkPolicy = Stored<k8s.V1NetworkPolicy>;
export type StorageClass = Stored<k8s.V1StorageClass>;
export type VolumeAttachment = Stored<k8s.V1VolumeAttachment>;
export type CSIDriver = Stored<k8s.V1CSIDriver>;
export type CSINode = Stored<k8s.V1CSINode>;
export type Role = Stored<k8s.V1Role>;
export type ClusterRole = Stored<k8s.V1ClusterRole>;
export type PolicyRule = Wire<k8s.V1PolicyRule>;
export type RoleBinding = Stored<k8s.V1RoleBinding>;
export type ClusterRoleBinding = Stored<k8s.V1ClusterRoleBinding>;
export type APIService = Stored<k8s.V1APIService>;
export type PriorityClass = Stored<k8s.V1PriorityClass>;
export type RuntimeClass = Stored<k8s.V1RuntimeClass>;
export type CertificateSigningRequest = Stored<k8s.V1CertificateSigningRequest>;
export type MutatingWebhookConfiguration = Stored<k8s.V1MutatingWebhookConfiguration>;
export type ValidatingWebhookConfiguration = Stored<k8s.V1ValidatingWebhookConfiguration>;
export type ValidatingAdmissionPolicy = Stored<k8s.V1ValidatingAdmissionPolicy>;
export type ValidatingAdmissionPolicyBinding = Stored<k8s.V1ValidatingAdmissionPolicyBinding>;
