import type { LabelSelector, ObjectMeta } from '@shared/k8s';
import type { FieldError, KindDefinition } from '../kind';
import { forbidden, immutableMessage, invalid, invalidEach, nonNegative, required, tooLong } from './field';
import { dns1035Label, dnsLabel, dnsSubdomain, pathSegment, qualifiedName, validLabelValue } from './strings';

const annotationLimit = 256 * 1024;

/** What the names of a kind must look like. */
const nameRules = { subdomain: dnsSubdomain, label: dnsLabel, label1035: dns1035Label, path: pathSegment };

/** Faults of an object's name by its kind's rule (an RFC 1123 subdomain unless the kind says otherwise). */
export function validateName(
  name: string,
  kind: Pick<KindDefinition, 'nameRule'> = {},
  field = 'metadata.name',
): FieldError[] {
  return invalidEach(field, name, nameRules[kind.nameRule ?? 'subdomain'](name));
}

/** Faults of a namespace's name. */
export function validateNamespace(namespace: string, field = 'metadata.namespace'): FieldError[] {
  return invalidEach(field, namespace, dnsLabel(namespace));
}

/** Faults of the metadata of any object. Called when names are generated and the namespace is filled in. */
export function validateObjectMeta(
  meta: ObjectMeta | undefined,
  kind: Pick<KindDefinition, 'namespaced' | 'nameRule'>,
  path = 'metadata',
): FieldError[] {
  const errors: FieldError[] = [];
  if (!meta?.name) errors.push(required(`${path}.name`, 'name or generateName is required'));
  else errors.push(...validateName(meta.name, kind, `${path}.name`));
  if (!meta) return errors;
  if (kind.namespaced) {
    if (!meta.namespace) errors.push(required(`${path}.namespace`));
    else errors.push(...validateNamespace(meta.namespace, `${path}.namespace`));
  } else if (meta.namespace) {
    errors.push(forbidden(`${path}.namespace`, 'not allowed on this type'));
  }
  errors.push(
    ...nonNegative(`${path}.generation`, meta.generation),
    ...validateLabels(meta.labels, `${path}.labels`),
    ...validateAnnotations(meta.annotations, `${path}.annotations`),
    ...validateOwners(meta, `${path}.ownerReferences`),
    ...validateFinalizers(meta.finalizers, `${path}.finalizers`),
  );
  return errors;
}

/** Faults of a change of metadata. */
export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta, path = 'metadata'): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp) {
    const added = (meta.finalizers ?? []).filter((finalizer) => !old.finalizers?.includes(finalizer));
    if (added.length > 0) {
      const shown = `[]string{${added.map((name) => JSON.stringify(name)).join(', ')}}`;
      errors.push(
        forbidden(
          `${path}.finalizers`,
          `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`,
        ),
      );
    }
  }
  const fixed = [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const;
  for (const field of fixed) {
    if ((meta[field] ?? '') !== (old[field] ?? ''))
      errors.push(invalid(`${path}.${field}`, meta[field] ?? '', immutableMessage));
  }
  return errors;
}

/** Faults of labels. */
export function validateLabels(labels: Record<string, string> | undefined, path: string): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...invalidEach(path, key, qualifiedName(key)),
    ...invalidEach(path, value, validLabelValue(value)),
  ]);
}

/** Faults of annotations: keys like labels' but in any case, and 256 KiB in all. */
export function validateAnnotations(annotations: Record<string, string> | undefined, path: string): FieldError[] {
  const entries = Object.entries(annotations ?? {});
  const errors = entries.flatMap(([key]) => invalidEach(path, key, qualifiedName(key.toLowerCase())));
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (size > annotationLimit) errors.push(tooLong(path, annotationLimit));
  return errors;
}

function validateOwners(meta: ObjectMeta, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const owners = meta.ownerReferences ?? [];
  for (const owner of owners) {
    const version = owner.apiVersion?.split('/').at(-1);
    if (!version) errors.push(invalid(`${path}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty'));
    for (const field of ['kind', 'name', 'uid'] as const) {
      if (!owner[field]) errors.push(invalid(`${path}.${field}`, owner[field] ?? '', 'must not be empty'));
    }
    if (owner.kind === 'Event') {
      errors.push(invalid(path, owner, `${owner.apiVersion}, Kind=Event is disallowed from being an owner`));
    }
  }
  const controllers = owners.filter((owner) => owner.controller);
  if (controllers.length > 1) {
    errors.push(
      invalid(
        path,
        owners,
        `Only one reference can have Controller set to true. Found "true" in references for ${controllers[0]!.kind}/${controllers[0]!.name} and ${controllers[1]!.kind}/${controllers[1]!.name}`,
      ),
    );
  }
  return errors;
}

function validateFinalizers(finalizers: string[] | undefined, path: string): FieldError[] {
  const errors = (finalizers ?? []).flatMap((finalizer) => invalidEach(path, finalizer, qualifiedName(finalizer)));
  if (finalizers?.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(invalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  }
  return errors;
}

/** Faults of a label selector. */
export function validateLabelSelector(selector: LabelSelector | undefined, path: string): FieldError[] {
  const errors = validateLabels(selector?.matchLabels, `${path}.matchLabels`);
  for (const [index, expression] of (selector?.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    switch (expression.operator) {
      case 'In':
      case 'NotIn':
        if (!expression.values?.length) {
          errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (expression.values?.length) {
          errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
        }
        break;
      default:
        errors.push(invalid(`${at}.operator`, expression.operator, 'not a valid selector operator'));
    }
    errors.push(...invalidEach(`${at}.key`, expression.key, qualifiedName(expression.key ?? '')));
    for (const [position, value] of (expression.values ?? []).entries()) {
      errors.push(...invalidEach(`${at}.values[${position}]`, value, validLabelValue(value)));
    }
  }
  return errors;
}
