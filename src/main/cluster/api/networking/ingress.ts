import { isIP } from 'node:net';
import type { Ingress, IngressBackend } from '@shared/k8s';
import { defineKind, type FieldError } from '../kind';
import { ageColumn, text } from '../printing';
import { specAndStatus } from '../strategy';
import { invalid, invalidEach, notSupported, required } from '../validation/field';
import { dns1035Label, dnsSubdomain, portName, portNumber } from '../validation/strings';

type Path = NonNullable<NonNullable<NonNullable<Ingress['spec']>['rules']>[number]['http']>['paths'][number];

/** How Ingresses named their class before there was a field for it. */
export const classAnnotation = 'kubernetes.io/ingress.class';
const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];

export const ingress = defineKind<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  singular: 'ingress',
  shortNames: ['ing'],
  namespaced: true,
  ...specAndStatus,
  prepareForCreate(object) {
    object.status = { loadBalancer: {} };
    object.metadata.generation = 1;
  },
  validate: validateIngress,
  // Both may differ in what was made when that was allowed.
  validateChange: (object, old) => (old ? [] : validateClassNames(object)),
  warnings: (object) =>
    object.metadata.annotations?.[classAnnotation]
      ? [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`]
      : [],
  columns: [
    text('Class', 'The class of controller that serves it', (object) => object.spec?.ingressClassName ?? '<none>'),
    text('Hosts', 'The hosts it is for', hosts),
    text('Address', 'Where it can be reached', (object) =>
      (object.status?.loadBalancer?.ingress ?? [])
        .map((entry) => entry.ip || entry.hostname || '')
        .filter(Boolean)
        .join(','),
    ),
    text('Ports', 'The ports it is served on', (object) => (object.spec?.tls?.length ? '80, 443' : '80')),
    ageColumn,
  ],
});

function hosts(object: Ingress): string {
  const named = (object.spec?.rules ?? []).map((rule) => rule.host ?? '').filter(Boolean);
  if (named.length === 0) return '*';
  const shown = named.slice(0, 3).join(',');
  return named.length > 3 ? `${shown} + ${named.length - 3} more...` : shown;
}

function validateIngress(object: Ingress): FieldError[] {
  const spec = object.spec ?? {};
  const errors: FieldError[] = [];
  if (!spec.rules?.length && !spec.defaultBackend) {
    errors.push(invalid('spec', spec, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (spec.defaultBackend) errors.push(...validateBackend(spec.defaultBackend, 'spec.defaultBackend'));
  for (const [index, rule] of (spec.rules ?? []).entries()) {
    const path = `spec.rules[${index}]`;
    if (rule.host) {
      if (isIP(rule.host)) errors.push(invalid(`${path}.host`, rule.host, 'must be a DNS name, not an IP address'));
      errors.push(...validateHost(rule.host, `${path}.host`));
    }
    if (!rule.http) continue;
    if (!rule.http.paths?.length) errors.push(required(`${path}.http.paths`));
    for (const [position, entry] of (rule.http.paths ?? []).entries()) {
      errors.push(...validatePath(entry, `${path}.http.paths[${position}]`));
    }
  }
  for (const [index, tls] of (spec.tls ?? []).entries()) {
    for (const [position, host] of (tls.hosts ?? []).entries()) {
      errors.push(...validateHost(host, `spec.tls[${index}].hosts[${position}]`));
    }
    if (tls.secretName) {
      errors.push(...invalidEach(`spec.tls[${index}].secretName`, tls.secretName, dnsSubdomain(tls.secretName)));
    }
  }
  const className = spec.ingressClassName;
  if (className !== undefined) {
    errors.push(...invalidEach('spec.ingressClassName', className, dnsSubdomain(className)));
  }
  return errors;
}

function validateClassNames({ metadata, spec }: Ingress): FieldError[] {
  const [annotated, named] = [metadata.annotations?.[classAnnotation], spec?.ingressClassName];
  return annotated === undefined || named === undefined || annotated === named
    ? []
    : [invalid(`annotations.${classAnnotation}`, annotated, 'must match `ingressClassName` when both are specified')];
}

function validateHost(host: string, path: string): FieldError[] {
  if (!host.includes('*')) return invalidEach(path, host, dnsSubdomain(host));
  const rest = host.startsWith('*.') ? host.slice(2) : '';
  return rest && !rest.includes('*') && dnsSubdomain(rest).length === 0
    ? []
    : [
        invalid(
          path,
          host,
          "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        ),
      ];
}

function validatePath(entry: Path, path: string): FieldError[] {
  const { pathType, path: value = '' } = entry;
  if (!pathType) return [required(`${path}.pathType`, 'pathType must be specified')];
  const errors: FieldError[] = [];
  const at = `${path}.path`;
  if (pathType === 'ImplementationSpecific') {
    if (value && !value.startsWith('/')) errors.push(invalid(at, value, 'must be an absolute path'));
  } else if (pathTypes.includes(pathType)) {
    if (!value.startsWith('/')) errors.push(invalid(at, value, 'must be an absolute path'));
    for (const sequence of ['//', '/./', '/../', '%2f', '%2F']) {
      if (value.includes(sequence)) errors.push(invalid(at, value, `must not contain '${sequence}'`));
    }
    for (const suffix of ['/..', '/.']) {
      if (value.endsWith(suffix)) errors.push(invalid(at, value, `cannot end with '${suffix}'`));
    }
  } else {
    errors.push(notSupported(`${path}.pathType`, pathType, pathTypes));
  }
  return [...errors, ...validateBackend(entry.backend, `${path}.backend`)];
}

function validateBackend(backend: IngressBackend | undefined, path: string): FieldError[] {
  const { service, resource } = backend ?? {};
  if (service && resource) {
    return [invalid(path, '', 'cannot set both resource and service backends')];
  }
  if (resource) {
    return (['kind', 'name'] as const).flatMap((field) =>
      resource[field] ? [] : [required(`${path}.resource.${field}`, `${field} is required`)],
    );
  }
  if (!service) return [invalid(path, '', 'resource or service backend is required')];
  const errors: FieldError[] = [];
  if (!service.name) errors.push(required(`${path}.service.name`));
  else errors.push(...invalidEach(`${path}.service.name`, service.name, dns1035Label(service.name)));
  const { name, number } = service.port ?? {};
  if (name && number) errors.push(invalid(path, '', 'cannot set both port name & port number'));
  else if (name) errors.push(...invalidEach(`${path}.service.port.name`, name, portName(name)));
  else if (number) errors.push(...invalidEach(`${path}.service.port.number`, number, portNumber(number)));
  else errors.push(required(path, 'port name or number is required'));
  return errors;
}
