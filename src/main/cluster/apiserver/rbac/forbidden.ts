import { apiError, forbidden, type ApiError } from '../../api/errors';
import type { AccessAttributes } from '../context';

/** The refusal of a request, in Kubernetes' words. */
export function accessDenied(asked: AccessAttributes, reason?: string): ApiError {
  const { user, verb, group, resource, subresource, namespace, name, path } = asked;
  const because = reason ? `: ${reason}` : '';
  if (path !== undefined) {
    const message = `forbidden: User ${JSON.stringify(user.name)} cannot ${verb} path "${path}"${because}`;
    return apiError(403, 'Forbidden', message, {});
  }
  const what = subresource ? `${resource}/${subresource}` : resource;
  const where = namespace ? `in the namespace "${namespace}"` : 'at the cluster scope';
  const why = `User ${JSON.stringify(user.name)} cannot ${verb} resource "${what}" in API group "${group}" ${where}`;
  return forbidden({ group, plural: resource }, name ?? '', `${why}${because}`);
}
