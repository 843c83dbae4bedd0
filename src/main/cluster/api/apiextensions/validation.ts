import { isDeepStrictEqual } from 'node:util';
import { parseJsonPath } from '@shared/json-path';
import type { FieldError } from '../kind';
import { forbidden, immutableMessage, invalid, invalidEach, notSupported, required } from '../validation/field';
import { dns1035Label, dnsSubdomain } from '../validation/strings';
import { validateSchema } from './schema/structural';
import { isTrue, storageVersion, type CustomNames, type CustomResourceDefinition, type CustomVersion } from './types';

const approval = 'api-approved.kubernetes.io';
const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];

/** Everything that is wrong with a definition, its schemas and rules included. */
export function validateDefinition(object: CustomResourceDefinition): FieldError[] {
  const { metadata, spec, status } = object;
  const errors: FieldError[] = [];
  const name = `${spec?.names?.plural}.${spec?.group}`;
  if (metadata.name !== name) {
    errors.push(invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'));
  }
  if (!spec?.group) errors.push(required('spec.group'));
  else {
    errors.push(...invalidEach('spec.group', spec.group, dnsSubdomain(spec.group)));
    if (!spec.group.includes('.')) {
      errors.push(invalid('spec.group', spec.group, 'should be a domain with at least one dot'));
    }
  }
  errors.push(...validateApproval(object));
  if (!spec?.scope) errors.push(required('spec.scope'));
  else if (!['Cluster', 'Namespaced'].includes(spec.scope)) {
    errors.push(notSupported('spec.scope', spec.scope, ['Cluster', 'Namespaced']));
  }
  if (spec?.preserveUnknownFields) {
    errors.push(invalid('spec.preserveUnknownFields', true, 'must be false in order to use defaults in the schema'));
  }
  errors.push(...validateNames(spec?.names), ...validateVersions(object), ...validateConversion(object));
  const stored = status?.storedVersions ?? [];
  const storage = storageVersion(object);
  if (stored.length === 0)
    errors.push(invalid('status.storedVersions', stored, 'must have at least one stored version'));
  for (const [index, version] of stored.entries()) {
    if (!spec?.versions?.some((one) => one.name === version)) {
      errors.push(
        invalid(`status.storedVersions[${index}]`, version, 'missing from spec.versions; must be in spec.versions'),
      );
    }
  }
  if (stored.length > 0 && storage && !stored.includes(storage)) {
    errors.push(invalid('status.storedVersions', stored, `must have the storage version ${storage}`));
  }
  return errors;
}

function validateApproval({ metadata, spec }: CustomResourceDefinition): FieldError[] {
  const isProtected = /(^|\.)(k8s|kubernetes)\.io$/.test(spec?.group ?? '');
  if (!isProtected) return [];
  const place = `metadata.annotations[${approval}]`;
  const given = metadata.annotations?.[approval];
  if (!given) {
    return [
      required(
        place,
        `protected groups must have approval annotation "${approval}", see https://github.com/kubernetes/enhancements/pull/1111`,
      ),
    ];
  }
  return given.startsWith('unapproved') || URL.canParse(given)
    ? []
    : [
        invalid(
          place,
          given,
          `protected groups must have approval annotation "${approval}" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111`,
        ),
      ];
}

function validateNames(names: CustomNames | undefined): FieldError[] {
  if (!names) return [required('spec.names')];
  const errors: FieldError[] = [];
  const label = (field: string, value: string | undefined) => {
    if (!value) errors.push(required(`spec.names.${field}`));
    else errors.push(...invalidEach(`spec.names.${field}`, value, dns1035Label(value)));
  };
  label('plural', names.plural);
  label('singular', names.singular);
  for (const field of ['kind', 'listKind'] as const) {
    const value = names[field];
    if (!value) errors.push(required(`spec.names.${field}`));
    else {
      const problems = dns1035Label(value.toLowerCase());
      if (problems.length > 0) {
        const detail = `may have mixed case, but should otherwise match: ${problems.join(',')}`;
        errors.push(invalid(`spec.names.${field}`, value, detail));
      }
    }
  }
  for (const field of ['shortNames', 'categories'] as const) {
    for (const [index, value] of (names[field] ?? []).entries()) {
      errors.push(...invalidEach(`spec.names.${field}[${index}]`, value, dns1035Label(value)));
    }
  }
  if (names.kind && names.kind === names.listKind) {
    errors.push(invalid('spec.names.listKind', names.listKind, 'kind and listKind may not be the same'));
  }
  return errors;
}

function validateVersions({ spec }: CustomResourceDefinition): FieldError[] {
  const versions = spec?.versions ?? [];
  if (versions.length === 0)
    return [invalid('spec.versions', versions, 'must have exactly one version marked as storage version')];
  const errors: FieldError[] = [];
  const shown = versions.map(({ name }) => name).join(', ');
  if (new Set(versions.map(({ name }) => name)).size !== versions.length) {
    errors.push(invalid('spec.versions', shown, 'must contain unique version names'));
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalid('spec.versions', shown, 'must have exactly one version marked as storage version'));
  }
  return [...errors, ...versions.flatMap((version, index) => validateVersion(version, `spec.versions[${index}]`))];
}

function validateVersion(version: CustomVersion, at: string): FieldError[] {
  const errors = invalidEach(`${at}.name`, version.name, dns1035Label(version.name ?? ''));
  const schema = version.schema?.openAPIV3Schema;
  const place = `${at}.schema.openAPIV3Schema`;
  if (schema) errors.push(...validateSchema(schema, place));
  else errors.push(required(place, 'schemas are required'));
  for (const [index, column] of (version.additionalPrinterColumns ?? []).entries()) {
    const where = `${at}.additionalPrinterColumns[${index}]`;
    if (!column.name) errors.push(required(`${where}.name`));
    if (!column.type) errors.push(required(`${where}.type`, `must be one of ${columnTypes.join(',')}`));
    else if (!columnTypes.includes(column.type)) {
      errors.push(invalid(`${where}.type`, column.type, `must be one of ${columnTypes.join(',')}`));
    }
    errors.push(...validatePath(column.jsonPath, `${where}.jsonPath`));
  }
  for (const [index, field] of (version.selectableFields ?? []).entries()) {
    errors.push(...validatePath(field.jsonPath, `${at}.selectableFields[${index}].jsonPath`));
  }
  return [...errors, ...validateScale(version, `${at}.subresources.scale`)];
}

function validatePath(path: string | undefined, at: string, under?: string): FieldError[] {
  if (!path) return [required(at)];
  if (!path.startsWith('.')) return [invalid(at, path, 'must be a simple json path starting with .')];
  try {
    parseJsonPath(path);
  } catch (error) {
    return [invalid(at, path, (error as Error).message)];
  }
  return under && !path.startsWith(under)
    ? [invalid(at, path, `should be a json path under ${under.slice(0, -1)}`)]
    : [];
}

function validateScale({ subresources }: CustomVersion, at: string): FieldError[] {
  const scale = subresources?.scale;
  if (!scale) return [];
  const selector = scale.labelSelectorPath;
  return [
    ...validatePath(scale.specReplicasPath, `${at}.specReplicasPath`, '.spec.'),
    ...validatePath(scale.statusReplicasPath, `${at}.statusReplicasPath`, '.status.'),
    ...(selector && !/^\.(spec|status)\./.test(selector)
      ? [invalid(`${at}.labelSelectorPath`, selector, 'should be a json path under either .spec or .status')]
      : []),
  ];
}

function validateConversion({ spec }: CustomResourceDefinition): FieldError[] {
  const { conversion } = spec ?? {};
  if (!conversion) return [];
  const strategies = ['None', 'Webhook'];
  if (!strategies.includes(conversion.strategy)) {
    return [notSupported('spec.conversion.strategy', conversion.strategy, strategies)];
  }
  if (conversion.strategy === 'None') {
    return conversion.webhook
      ? [forbidden('spec.conversion.webhook', 'should not be set when strategy is not set to Webhook')]
      : [];
  }
  if (!conversion.webhook) {
    return [required('spec.conversion.webhook', 'required when strategy is set to Webhook')];
  }
  return conversion.webhook.conversionReviewVersions?.length
    ? []
    : [required('spec.conversion.webhook.conversionReviewVersions')];
}

/** What may not change while objects of the kind may be there. */
export function validateDefinitionUpdate(
  object: CustomResourceDefinition,
  old: CustomResourceDefinition,
): FieldError[] {
  if (!isTrue(old, 'Established')) return [];
  const fixed: [string, unknown, unknown][] = [
    ['spec.group', object.spec.group, old.spec.group],
    ['spec.scope', object.spec.scope, old.spec.scope],
    ['spec.names.kind', object.spec.names?.kind, old.spec.names.kind],
    ['spec.names.plural', object.spec.names?.plural, old.spec.names.plural],
  ];
  return fixed
    .filter(([, now, before]) => !isDeepStrictEqual(now, before))
    .map(([field, now]) => invalid(field, now, immutableMessage));
}
