import type { Status } from '@shared/k8s';
import type { FieldError } from './kind';

/** An API failure in the field's own format; thrown by handlers and by every transport. */
export class ApiError extends Error {
  constructor(readonly status: Status) {
    super(status.message ?? status.reason ?? 'unknown error');
    this.name = 'ApiError';
  }
  get code(): number {
    return this.status.code ?? 500;
  }
  get reason(): string {
    return this.status.reason ?? 'Unknown';
  }
}

interface Resource {
  group?: string;
  plural: string;
  kind?: string;
}

/** `deployments.apps`, `pods`: how Kubernetes names a resource in messages. */
export function qualifiedResource(resource: Resource): string {
  return resource.group ? `${resource.plural}.${resource.group}` : resource.plural;
}

/** Builds a failure Status. @param code the HTTP status */
export function apiError(code: number, reason: string, message: string, details?: Status['details']): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details ? { details } : {}),
    code,
  });
}

const detailsOf = (resource: Resource, name?: string): Status['details'] => ({
  ...(name ? { name } : {}),
  ...(resource.group ? { group: resource.group } : {}),
  kind: resource.plural,
});

export const notFound = (resource: Resource, name: string): ApiError =>
  apiError(404, 'NotFound', `${qualifiedResource(resource)} "${name}" not found`, detailsOf(resource, name));

export const alreadyExists = (resource: Resource, name: string): ApiError =>
  apiError(409, 'AlreadyExists', `${qualifiedResource(resource)} "${name}" already exists`, detailsOf(resource, name));

export const conflict = (resource: Resource, name: string, why: string): ApiError =>
  apiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedResource(resource)} "${name}": ${why}`,
    detailsOf(resource, name),
  );

export const badRequest = (message: string): ApiError => apiError(400, 'BadRequest', message);

export const forbidden = (resource: Resource, name: string, why: string): ApiError =>
  apiError(
    403,
    'Forbidden',
    `${qualifiedResource(resource)}${name ? ` "${name}"` : ''} is forbidden: ${why}`,
    detailsOf(resource, name),
  );

export const expired = (message: string): ApiError => apiError(410, 'Expired', message);

/** The words of a field error, as `field.Error.ErrorBody` prints them. */
export function fieldErrorMessage(error: FieldError): string {
  const shown = typeof error.value === 'string' ? `"${error.value}"` : JSON.stringify(error.value);
  const detail = error.detail ? `: ${error.detail}` : '';
  switch (error.type) {
    case 'Required':
      return `${error.field}: Required value${detail}`;
    case 'Forbidden':
      return `${error.field}: Forbidden${detail}`;
    case 'NotSupported':
      return `${error.field}: Unsupported value: ${shown}${detail}`;
    case 'Duplicate':
      return `${error.field}: Duplicate value: ${shown}${detail}`;
    case 'TooLong':
      return `${error.field}: Too long${detail}`;
    case 'TooMany':
      return `${error.field}: Too many: ${shown}${detail}`;
    case 'NotFound':
      return `${error.field}: Not found: ${shown}${detail}`;
    default:
      return `${error.field}: Invalid value: ${shown}${detail}`;
  }
}

/** 422 with every fault as a cause. `resource.kind` is the kind's name, as kubectl prints it. */
export function invalid(resource: Resource & { kind: string }, name: string, errors: FieldError[]): ApiError {
  const messages = errors.map(fieldErrorMessage);
  const list = messages.length === 1 ? messages[0] : `[${messages.join(', ')}]`;
  const qualified = resource.group ? `${resource.kind}.${resource.group}` : resource.kind;
  const reasons = {
    Required: 'Required',
    Invalid: 'Invalid',
    Forbidden: 'Forbidden',
    NotSupported: 'NotSupported',
  } as Record<string, string>;
  return apiError(422, 'Invalid', `${qualified} "${name}" is invalid: ${list}`, {
    name,
    ...(resource.group ? { group: resource.group } : {}),
    kind: resource.kind,
    causes: errors.map((error, index) => ({
      reason: `FieldValue${reasons[error.type] ?? error.type}`,
      message: messages[index]!.slice(error.field.length + 2),
      field: error.field,
    })),
  });
}
