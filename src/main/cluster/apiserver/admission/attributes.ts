import type { ApiError } from '../../api/errors';
import { forbidden } from '../../api/errors';
import type { AdmissionAttributes } from '../admission';

/** Whether a request is about objects of a resource themselves, or the named subresource of theirs. */
export function isAbout(
  { resource, subresource }: AdmissionAttributes,
  group: string,
  plural: string,
  part?: string,
): boolean {
  return resource.definition.plural === plural && resource.definition.group === group && subresource === part;
}

/** 403: what admission answers when it refuses. */
export function refusal({ resource, object, name }: AdmissionAttributes, why: string): ApiError {
  const { metadata } = object ?? {};
  return forbidden(resource.definition, metadata?.name || name || metadata?.generateName || '', why);
}

/** Several complaints as one: `a`, or `[a, b]`. */
export const together = (complaints: readonly string[]): string =>
  complaints.length === 1 ? complaints[0]! : `[${complaints.join(', ')}]`;
