import { randomUUID } from 'node:crypto';
import type { AdmissionAttributes } from '../admission';
import type { Resource } from '../resources';

const options = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions', CONNECT: undefined };

/** The request of an AdmissionReview (admission.k8s.io/v1), and what expressions know as `request`. */
export function reviewRequest(attributes: AdmissionAttributes) {
  const { resource, requested = resource, subresource, operation, user, dryRun, fieldManager } = attributes;
  return {
    uid: randomUUID(),
    kind: kindOf(attributes, resource),
    resource: resourceOf(resource),
    ...(subresource ? { subResource: subresource } : {}),
    requestKind: kindOf(attributes, requested),
    requestResource: resourceOf(requested),
    ...(subresource ? { requestSubResource: subresource } : {}),
    ...(attributes.name ? { name: attributes.name } : {}),
    ...(attributes.namespace ? { namespace: attributes.namespace } : {}),
    operation,
    userInfo: { username: user.name, uid: user.uid, groups: user.groups, extra: user.extra },
    dryRun,
    options: options[operation]
      ? {
          kind: options[operation],
          apiVersion: 'meta.k8s.io/v1',
          ...(dryRun ? { dryRun: ['All'] } : {}),
          ...(fieldManager ? { fieldManager } : {}),
        }
      : null,
  };
}

function kindOf(attributes: AdmissionAttributes, { definition }: Resource) {
  const { group, version, kind } = attributes.kind ?? definition;
  return { group, version, kind };
}

const resourceOf = ({ definition: { group, version, plural } }: Resource) => ({ group, version, resource: plural });
