import type { Container, PodSpec, Volume } from '@shared/k8s';
import type { FieldError } from '../../kind';
import {
  duplicate,
  forbidden,
  invalid,
  invalidEach,
  notFound,
  notSupported,
  oneOf,
  required,
} from '../../validation/field';
import { dnsLabel, portName, portNumber } from '../../validation/strings';
import { validateEnv, validateEnvFrom } from './env';
import { validateLifecycle, validateProbes } from './probes';
import { validateLocalPath } from './paths';
import { validateResources } from './resources';
import { validateContainerSecurity } from './security';

const pullPolicies = ['Always', 'IfNotPresent', 'Never'];
export const protocols = ['SCTP', 'TCP', 'UDP'];
const messagePolicies = ['FallbackToLogsOnError', 'File'];

/** Faults of a pod's app and init containers. */
export function validateContainers(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  if (!spec.containers?.length) errors.push(required(`${path}.containers`));
  for (const [index, container] of (spec.containers ?? []).entries()) {
    const at = `${path}.containers[${index}]`;
    errors.push(...validateContainer(container, spec, at, names));
    errors.push(...validateLifecycle(container.lifecycle, `${at}.lifecycle`), ...validateProbes(container, at));
  }
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    const at = `${path}.initContainers[${index}]`;
    errors.push(...validateContainer(container, spec, at, names), ...validateInit(container, at));
  }
  errors.push(...validateHostPorts(spec, path));
  return errors;
}

function validateInit(container: Container, path: string): FieldError[] {
  const policy = container.restartPolicy;
  if (policy === 'Always') {
    return [...validateLifecycle(container.lifecycle, `${path}.lifecycle`), ...validateProbes(container, path)];
  }
  const errors: FieldError[] = [];
  if (policy !== undefined && policy !== 'Never' && policy !== 'OnFailure') {
    errors.push(notSupported(`${path}.restartPolicy`, policy, ['Always', 'Never', 'OnFailure']));
  }
  for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[field]) {
      errors.push(forbidden(`${path}.${field}`, 'may not be set for init containers without restartPolicy=Always'));
    }
  }
  return errors;
}

/** Faults that every container can have. */
export function validateContainer(container: Container, spec: PodSpec, path: string, names: Set<string>): FieldError[] {
  const errors: FieldError[] = [];
  if (!container.name) errors.push(required(`${path}.name`));
  else {
    errors.push(...invalidEach(`${path}.name`, container.name, dnsLabel(container.name)));
    if (names.has(container.name)) errors.push(duplicate(`${path}.name`, container.name));
    names.add(container.name);
  }
  if (!container.image) errors.push(required(`${path}.image`));
  else if (container.image.trim() !== container.image) {
    errors.push(invalid(`${path}.image`, container.image, 'must not have leading or trailing whitespace'));
  }
  errors.push(
    ...oneOf(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, messagePolicies),
    ...validatePorts(container, spec, `${path}.ports`),
    ...validateEnv(container.env, `${path}.env`),
    ...validateEnvFrom(container.envFrom, `${path}.envFrom`),
    ...validateMounts(container, spec.volumes ?? [], `${path}.volumeMounts`),
    ...oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, pullPolicies),
    ...validateResources(container.resources, `${path}.resources`),
    ...validateDevices(container, spec.volumes ?? [], `${path}.volumeDevices`),
    ...validateResizePolicies(container, `${path}.resizePolicy`),
    ...validateContainerSecurity(container, `${path}.securityContext`),
  );
  return errors;
}

function validatePorts(container: Container, spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, port] of (container.ports ?? []).entries()) {
    const at = `${path}[${index}]`;
    if (port.name) {
      const faults = portName(port.name);
      errors.push(...invalidEach(`${at}.name`, port.name, faults));
      if (faults.length === 0 && names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
      names.add(port.name);
    }
    if (!port.containerPort) errors.push(required(`${at}.containerPort`));
    else errors.push(...invalidEach(`${at}.containerPort`, port.containerPort, portNumber(port.containerPort)));
    if (port.hostPort) errors.push(...invalidEach(`${at}.hostPort`, port.hostPort, portNumber(port.hostPort)));
    if (spec.hostNetwork && port.hostPort && port.hostPort !== port.containerPort) {
      errors.push(
        invalid(`${at}.containerPort`, port.containerPort, 'must match `hostPort` when `hostNetwork` is true'),
      );
    }
    errors.push(...oneOf(`${at}.protocol`, port.protocol, protocols));
  }
  return errors;
}

/** A port of the host can be given away once. */
function validateHostPorts(spec: PodSpec, path: string): FieldError[] {
  const taken = new Set<string>();
  return (spec.containers ?? []).flatMap((container, index) =>
    (container.ports ?? []).flatMap((port, position) => {
      if (!port.hostPort) return [];
      const identity = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`;
      const again = taken.has(identity);
      taken.add(identity);
      return again ? [duplicate(`${path}.containers[${index}].ports[${position}].hostPort`, identity)] : [];
    }),
  );
}

function validateMounts(container: Container, volumes: Volume[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const paths = new Set<string>();
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const at = `${path}[${index}]`;
    if (!mount.name) errors.push(required(`${at}.name`));
    else if (!volumes.some((volume) => volume.name === mount.name)) errors.push(notFound(`${at}.name`, mount.name));
    if (!mount.mountPath) errors.push(required(`${at}.mountPath`));
    else if (paths.has(mount.mountPath)) errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must be unique'));
    paths.add(mount.mountPath);
    if (mount.subPath && mount.subPathExpr) {
      errors.push(invalid(`${at}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
    }
    for (const field of ['subPath', 'subPathExpr'] as const) {
      if (mount[field]) errors.push(...validateLocalPath(mount[field], `${at}.${field}`));
    }
  }
  return errors;
}

/** Volumes that are given as devices are claims, and each has a place of its own. */
function validateDevices(container: Container, volumes: Volume[], path: string): FieldError[] {
  const paths = new Set<string>();
  return (container.volumeDevices ?? []).flatMap(({ name, devicePath }, index) => {
    const at = `${path}[${index}]`;
    const errors: FieldError[] = [];
    const volume = volumes.find((one) => one.name === name);
    if (!name) errors.push(required(`${at}.name`));
    else if (!volume) errors.push(notFound(`${at}.name`, name));
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      const why = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
      errors.push(invalid(`${at}.name`, name, why));
    }
    if (name && container.volumeMounts?.some((mount) => mount.name === name)) {
      errors.push(invalid(`${at}.name`, name, 'must not already exist in volumeMounts'));
    }
    if (!devicePath) errors.push(required(`${at}.devicePath`));
    else if (paths.has(devicePath)) errors.push(invalid(`${at}.devicePath`, devicePath, 'must be unique'));
    else if (devicePath.split('/').includes('..')) {
      errors.push(invalid(`${at}.devicePath`, devicePath, "must not contain '..'"));
    }
    paths.add(devicePath);
    return errors;
  });
}

function validateResizePolicies(container: Container, path: string): FieldError[] {
  const names = new Set<string>();
  return (container.resizePolicy ?? []).flatMap(({ resourceName, restartPolicy }, index) => {
    const at = `${path}[${index}]`;
    const errors = [
      ...oneOf(`${at}.resourceName`, resourceName, ['cpu', 'memory']),
      ...oneOf(`${at}.restartPolicy`, restartPolicy, ['NotRequired', 'RestartContainer']),
    ];
    if (names.has(resourceName)) errors.push(duplicate(at, resourceName));
    names.add(resourceName);
    return errors;
  });
}
