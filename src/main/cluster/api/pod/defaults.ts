import { canonicalQuantity, isQuantity } from '@shared/quantity';
import type { Container, PodSpec, Probe, ResourceRequirements, Volume } from '@shared/k8s';
import { setDefault } from '../strategy';

/**
 * Sets what a pod spec leaves open. A pod's own spec gets a little more than a
 * template (`own`): requests from limits and enableServiceLinks.
 */
export function defaultPodSpec(spec: PodSpec, { own }: { own: boolean }): void {
  setDefault(spec, 'restartPolicy', 'Always');
  setDefault(spec, 'dnsPolicy', 'ClusterFirst');
  setDefault(spec, 'terminationGracePeriodSeconds', 30);
  setDefault(spec, 'schedulerName', 'default-scheduler');
  setDefault(spec, 'securityContext', {});
  // The deprecated alias and the field are one value in two places.
  const account = spec.serviceAccountName || spec.serviceAccount;
  if (account) {
    spec.serviceAccountName = account;
    spec.serviceAccount = account;
  }
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    if (isObject(container)) defaultContainer(container, spec, own);
  }
  for (const container of spec.ephemeralContainers ?? []) {
    if (isObject(container)) defaultContainer(container as unknown as Container, spec, false);
  }
  for (const volume of spec.volumes ?? []) if (isObject(volume)) defaultVolume(volume);
  if (spec.resources) canonicalResources(spec.resources);
  if (spec.overhead) canonicalList(spec.overhead);
  if (own) setDefault(spec, 'enableServiceLinks', true);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function defaultContainer(container: Container, spec: PodSpec, own: boolean): void {
  setDefault(container, 'terminationMessagePath', '/dev/termination-log');
  setDefault(container, 'terminationMessagePolicy', 'File');
  if (!container.imagePullPolicy) container.imagePullPolicy = isLatest(container.image) ? 'Always' : 'IfNotPresent';
  for (const port of container.ports ?? []) {
    setDefault(port, 'protocol', 'TCP');
    if (spec.hostNetwork) setDefault(port, 'hostPort', port.containerPort);
  }
  for (const variable of container.env ?? []) {
    if (variable.valueFrom?.fieldRef) setDefault(variable.valueFrom.fieldRef, 'apiVersion', 'v1');
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (isObject(probe)) defaultProbe(probe);
  }
  for (const hook of [container.lifecycle?.postStart, container.lifecycle?.preStop]) {
    if (hook?.httpGet) defaultHttpGet(hook.httpGet);
  }
  const resources = (container.resources ??= {});
  canonicalResources(resources);
  if (own && resources.limits) {
    resources.requests = { ...resources.limits, ...resources.requests };
  }
}

function defaultProbe(probe: Probe): void {
  for (const [key, value] of [
    ['timeoutSeconds', 1],
    ['periodSeconds', 10],
    ['successThreshold', 1],
    ['failureThreshold', 3],
  ] as const) {
    if (!probe[key]) probe[key] = value;
  }
  if (probe.httpGet) defaultHttpGet(probe.httpGet);
  if (probe.grpc) setDefault(probe.grpc, 'service', '');
}

function defaultHttpGet(action: { path?: string; scheme?: string }): void {
  if (!action.path) action.path = '/';
  if (!action.scheme) action.scheme = 'HTTP';
}

/** Whether an image reference means the moving tag. */
export function isLatest(image: string | undefined): boolean {
  if (!image || image.includes('@')) return false;
  const last = image.slice(image.lastIndexOf('/') + 1);
  const colon = last.indexOf(':');
  return colon < 0 || last.slice(colon + 1) === 'latest';
}

function defaultVolume(volume: Volume): void {
  const mode = 0o644;
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  if (volume.emptyDir?.sizeLimit !== undefined && isQuantity(volume.emptyDir.sizeLimit)) {
    volume.emptyDir.sizeLimit = canonicalQuantity(volume.emptyDir.sizeLimit);
  }
  if (volume.secret) setDefault(volume.secret, 'defaultMode', mode);
  if (volume.configMap) setDefault(volume.configMap, 'defaultMode', mode);
  if (volume.hostPath) setDefault(volume.hostPath, 'type', '');
  if (volume.downwardAPI) {
    setDefault(volume.downwardAPI, 'defaultMode', mode);
    defaultDownwardItems(volume.downwardAPI.items);
  }
  if (volume.projected) {
    setDefault(volume.projected, 'defaultMode', mode);
    for (const source of volume.projected.sources ?? []) {
      defaultDownwardItems(source.downwardAPI?.items);
      if (source.serviceAccountToken) setDefault(source.serviceAccountToken, 'expirationSeconds', 3600);
    }
  }
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec;
  if (claim) setDefault(claim, 'volumeMode', 'Filesystem');
}

function defaultDownwardItems(items: { fieldRef?: { apiVersion?: string } }[] | undefined): void {
  for (const item of items ?? []) if (item.fieldRef) setDefault(item.fieldRef, 'apiVersion', 'v1');
}

/** Quantities are stored in their canonical form, so that "0.5" and "500m" are the same object. */
function canonicalResources(resources: ResourceRequirements): void {
  if (resources.limits) canonicalList(resources.limits);
  if (resources.requests) canonicalList(resources.requests);
}

/** Changes well-formed quantities of the list to their canonical text; validation reports the others. */
function canonicalList(list: Record<string, string>): void {
  for (const [name, value] of Object.entries(list)) if (isQuantity(value)) list[name] = canonicalQuantity(value);
}
