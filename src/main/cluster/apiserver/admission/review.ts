import { randomUUID } from 'node:crypto';
import type { AdmissionAttributes } from '../admission';

const options = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' };

/** The request of an AdmissionReview (admission.k8s.io/v1), and what expressions know as `request`. */
export function reviewRequest(attributes: AdmissionAttributes) {
  const { resource, subresource, operation, user, dryRun, fieldManager } = attributes;
  const { group, version, kind, plural } = resource.definition;
  const kindOf = { group, version, kind };
  const resourceOf = { group, version, resource: plural };
  return {
    uid: randomUUID(),
    kind: kindOf,
    resource: resourceOf,
    ...(subresource ? { subResource: subresource } : {}),
    requestKind: kindOf,
    requestResource: resourceOf,
    ...(subresource ? { requestSubResource: subresource } : {}),
    ...(attributes.name ? { name: attributes.name } : {}),
    ...(attributes.namespace ? { namespace: attributes.namespace } : {}),
    operation,
    userInfo: { username: user.name, uid: user.uid, groups: user.groups, extra: user.extra },
    dryRun,
    options: {
      kind: options[operation],
      apiVersion: 'meta.k8s.io/v1',
      ...(dryRun ? { dryRun: ['All'] } : {}),
      ...(fieldManager ? { fieldManager } : {}),
    },
  };
}
