import type { Container } from '@shared/k8s';
import type { FieldError } from '../../kind';
import { invalid, invalidEach, notSupported, required } from '../../validation/field';
import { configMapKey, dnsSubdomain, envVarName, qualifiedName } from '../../validation/strings';

type EnvVar = NonNullable<Container['env']>[number];
type EnvFrom = NonNullable<Container['envFrom']>[number];
type FieldRef = NonNullable<NonNullable<EnvVar['valueFrom']>['fieldRef']>;

const podFields = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
export const volumeFields = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];
const resourceFields = ['cpu', 'memory', 'ephemeral-storage']
  .flatMap((name) => [`limits.${name}`, `requests.${name}`])
  .sort();
const sources = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const;

export function validateEnv(env: EnvVar[] | undefined, path: string): FieldError[] {
  return (env ?? []).flatMap((variable, index) => {
    const at = `${path}[${index}]`;
    const errors = variable.name
      ? invalidEach(`${at}.name`, variable.name, envVarName(variable.name))
      : [required(`${at}.name`)];
    return [...errors, ...validateValueFrom(variable, `${at}.valueFrom`)];
  });
}

function validateValueFrom(variable: EnvVar, path: string): FieldError[] {
  const from = variable.valueFrom;
  if (!from) return [];
  const errors: FieldError[] = [];
  const given = sources.filter((source) => (from as Record<string, unknown>)[source]);
  if (from.fieldRef) errors.push(...validateFieldRef(from.fieldRef, `${path}.fieldRef`, podFields));
  if (from.resourceFieldRef)
    errors.push(...validateResourceFieldRef(from.resourceFieldRef, `${path}.resourceFieldRef`));
  if (from.configMapKeyRef) errors.push(...validateKeyRef(from.configMapKeyRef, `${path}.configMapKeyRef`));
  if (from.secretKeyRef) errors.push(...validateKeyRef(from.secretKeyRef, `${path}.secretKeyRef`));
  if (given.length === 0) {
    errors.push(
      invalid(
        path,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    );
  } else if (variable.value) errors.push(invalid(path, '', 'may not be specified when `value` is not empty'));
  else if (given.length > 1) errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
  return errors;
}

/** Faults of a reference to a field of the pod. @param supported the fields that may be named */
export function validateFieldRef(ref: FieldRef, path: string, supported: string[]): FieldError[] {
  if (!ref.apiVersion) return [required(`${path}.apiVersion`)];
  if (!ref.fieldPath) return [required(`${path}.fieldPath`)];
  const subscript = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/.exec(ref.fieldPath);
  if (subscript) {
    const key = subscript[1] === 'metadata.annotations' ? subscript[2]!.toLowerCase() : subscript[2]!;
    return invalidEach(path, subscript[2], qualifiedName(key));
  }
  const known =
    /^(metadata\.(annotations|labels|name|namespace|uid)|spec\.(nodeName|serviceAccountName|restartPolicy|schedulerName|hostNetwork)|status\.(phase|hostIPs?|podIPs?|nominatedNodeName))$/;
  if (!known.test(ref.fieldPath)) {
    return [
      invalid(
        `${path}.fieldPath`,
        ref.fieldPath,
        `error converting fieldPath: field label not supported: ${ref.fieldPath}`,
      ),
    ];
  }
  return supported.includes(ref.fieldPath) ? [] : [notSupported(`${path}.fieldPath`, ref.fieldPath, supported)];
}

/** Faults of a reference to a container's resource. */
export function validateResourceFieldRef(ref: { resource?: string }, path: string): FieldError[] {
  if (!ref.resource) return [required(`${path}.resource`)];
  return resourceFields.includes(ref.resource) || /^(limits|requests)\.hugepages-/.test(ref.resource)
    ? []
    : [notSupported(`${path}.resource`, ref.resource, resourceFields)];
}

function validateKeyRef(ref: { name?: string; key?: string }, path: string): FieldError[] {
  const errors = ref.name ? invalidEach(`${path}.name`, ref.name, dnsSubdomain(ref.name)) : [required(`${path}.name`)];
  if (!ref.key) return [...errors, required(`${path}.key`)];
  return [...errors, ...invalidEach(`${path}.key`, ref.key, configMapKey(ref.key))];
}

export function validateEnvFrom(envFrom: EnvFrom[] | undefined, path: string): FieldError[] {
  return (envFrom ?? []).flatMap((source, index) => {
    const at = `${path}[${index}]`;
    const errors = source.prefix ? invalidEach(`${at}.prefix`, source.prefix, envVarName(source.prefix)) : [];
    const given = (['configMapRef', 'secretRef'] as const).filter((name) => source[name]);
    for (const name of given) {
      const target = source[name]!.name;
      errors.push(
        ...(target
          ? invalidEach(`${at}.${name}.name`, target, dnsSubdomain(target))
          : [required(`${at}.${name}.name`)]),
      );
    }
    if (given.length === 0) errors.push(invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`'));
    if (given.length > 1) errors.push(invalid(at, '', 'may not have more than one field specified at a time'));
    return errors;
  });
}
