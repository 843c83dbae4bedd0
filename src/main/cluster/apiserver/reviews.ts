import type { KubeObject } from '@shared/k8s';
import { methodNotAllowed, noSuchResource, type ServerContext } from './context';
import { decodeObject } from './decode';
import type { Route } from './router';
import type { ApiRequest, ApiResponse, UserInfo } from './types';
import { timestamp } from '../clock';

interface ReviewKind {
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
  status(context: ServerContext, user: UserInfo, spec: any): object;
}

/** Questions about what one may do and who one is: answered, never stored. */
export const reviewKinds: readonly ReviewKind[] = [
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    kind: 'SelfSubjectAccessReview',
    plural: 'selfsubjectaccessreviews',
    namespaced: false,
    status: (context, user, spec) => access(context, user, spec),
  },
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    kind: 'SubjectAccessReview',
    plural: 'subjectaccessreviews',
    namespaced: false,
    status: (context, _user, spec) => access(context, { name: spec.user ?? '', groups: spec.groups ?? [] }, spec),
  },
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    kind: 'LocalSubjectAccessReview',
    plural: 'localsubjectaccessreviews',
    namespaced: true,
    status: (context, _user, spec) => access(context, { name: spec.user ?? '', groups: spec.groups ?? [] }, spec),
  },
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    kind: 'SelfSubjectRulesReview',
    plural: 'selfsubjectrulesreviews',
    namespaced: false,
    status: (context, user) => rules(context, user),
  },
  {
    group: 'authentication.k8s.io',
    version: 'v1',
    kind: 'SelfSubjectReview',
    plural: 'selfsubjectreviews',
    namespaced: false,
    status: (_context, user) => ({
      userInfo: { username: user.name, uid: user.uid, groups: user.groups, extra: user.extra },
    }),
  },
];

/** Serves the review kinds; undefined for every other resource. */
export function reviewResource(
  context: ServerContext,
  request: ApiRequest,
  route: Extract<Route, { type: 'resource' }>,
): ApiResponse | undefined {
  const kind = reviewKinds.find((review) => review.group === route.group && review.plural === route.plural);
  if (!kind) return undefined;
  if (route.version !== kind.version || (route.namespace !== undefined) !== kind.namespaced) throw noSuchResource();
  if (request.method !== 'POST' || route.name !== undefined) throw methodNotAllowed();
  const warnings: string[] = [];
  const { spec, ...rest } = decodeObject(request, kind, context.schema, warnings);
  const metadata = { ...rest.metadata, creationTimestamp: timestamp(context.clock.now()) };
  const value: KubeObject = {
    ...rest,
    metadata,
    ...(spec === undefined ? {} : { spec }),
    status: kind.status(context, request.user, spec ?? {}),
  };
  return { status: 201, warnings, payload: { type: 'object', object: { value } } };
}

function access(context: ServerContext, user: UserInfo, spec: any): object {
  const asked = spec.resourceAttributes ?? {};
  const path = spec.nonResourceAttributes;
  const answer = context.authorize({
    user,
    verb: path?.verb ?? asked.verb ?? '',
    group: asked.group ?? '',
    version: asked.version ?? '',
    resource: path?.path ?? asked.resource ?? '',
    subresource: asked.subresource,
    namespace: asked.namespace,
    name: asked.name,
  });
  return { allowed: answer.allowed, ...(answer.reason ? { reason: answer.reason } : {}) };
}

/** Whoever may do everything is told so; what an authorizer allows piece by piece it cannot list. */
function rules(context: ServerContext, user: UserInfo): object {
  const all = context.authorize({ user, verb: '*', group: '*', version: '*', resource: '*' }).allowed;
  return {
    resourceRules: all ? [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] : [],
    nonResourceRules: all ? [{ verbs: ['*'], nonResourceURLs: ['*'] }] : [],
    incomplete: !all,
  };
}
