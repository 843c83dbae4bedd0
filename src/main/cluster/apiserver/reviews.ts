import type { KubeObject } from '@shared/k8s';
import { badRequest, invalid } from '../api/errors';
import type { FieldError } from '../api/kind';
import { methodNotAllowed, noSuchResource, type ServerContext } from './context';
import { decodeObject } from './decode';
import { quoted } from './rbac/rules';
import type { Route } from './router';
import { issuer } from './tokens/service-account';
import type { ApiRequest, ApiResponse, UserInfo } from './types';
import { timestamp } from '../clock';

interface ReviewKind {
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
  /** Faults of the question; by default it is about one resource or path. */
  validate?(spec: any, namespace?: string): FieldError[];
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
    validate: needsSubject,
    status: (context, _user, spec) => access(context, subjectOf(spec), spec),
  },
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    kind: 'LocalSubjectAccessReview',
    plural: 'localsubjectaccessreviews',
    namespaced: true,
    validate: (spec, namespace) => [
      ...needsSubject(spec),
      ...(spec.resourceAttributes?.namespace === namespace
        ? []
        : [
            invalidField(
              'spec.resourceAttributes.namespace',
              spec.resourceAttributes?.namespace,
              'must match metadata.namespace',
            ),
          ]),
      ...(spec.nonResourceAttributes
        ? [invalidField('spec.nonResourceAttributes', spec.nonResourceAttributes, 'disallowed on this kind of request')]
        : []),
    ],
    status: (context, _user, spec) => access(context, subjectOf(spec), spec),
  },
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    kind: 'SelfSubjectRulesReview',
    plural: 'selfsubjectrulesreviews',
    namespaced: false,
    validate: () => [],
    status: (context, user, spec) => {
      if (!spec.namespace) throw badRequest('no namespace on request');
      return rules(context, user, spec.namespace);
    },
  },
  {
    group: 'authentication.k8s.io',
    version: 'v1',
    kind: 'SelfSubjectReview',
    plural: 'selfsubjectreviews',
    namespaced: false,
    validate: () => [],
    status: (_context, user) => ({ userInfo: userInfo(user) }),
  },
  {
    group: 'authentication.k8s.io',
    version: 'v1',
    kind: 'TokenReview',
    plural: 'tokenreviews',
    namespaced: false,
    validate: (spec) => (spec.token ? [] : [{ type: 'Required', field: 'spec.token', detail: '' }]),
    status: (context, _user, spec) => review(context, spec),
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
  const errors = (kind.validate ?? needsQuestion)(spec ?? {}, route.namespace);
  if (errors.length > 0) throw invalid(kind, '', errors);
  const value: KubeObject = {
    ...rest,
    metadata,
    ...(spec === undefined ? {} : { spec }),
    status: kind.status(context, request.user, spec ?? {}),
  };
  return { status: 201, warnings, payload: { type: 'object', object: { value } } };
}

const userInfo = (user: UserInfo) => ({
  username: user.name,
  ...(user.uid === undefined ? {} : { uid: user.uid }),
  groups: user.groups,
  ...(user.extra ? { extra: user.extra } : {}),
});

const subjectOf = (spec: any): UserInfo => ({
  name: spec.user ?? '',
  groups: spec.groups ?? [],
  uid: spec.uid,
  extra: spec.extra,
});

const invalidField = (field: string, value: unknown, detail: string): FieldError => ({
  type: 'Invalid',
  field,
  value: value ?? '',
  detail,
});

function needsQuestion(spec: any): FieldError[] {
  const { resourceAttributes, nonResourceAttributes } = spec;
  if (resourceAttributes && nonResourceAttributes) {
    const detail = 'cannot be specified in combination with resourceAttributes';
    return [invalidField('spec.nonResourceAttributes', nonResourceAttributes, detail)];
  }
  if (resourceAttributes || nonResourceAttributes) return [];
  const detail = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  return [invalidField('spec.resourceAttributes', resourceAttributes ?? null, detail)];
}

function needsSubject(spec: any): FieldError[] {
  const errors = needsQuestion(spec);
  if (!spec.user && !spec.groups?.length) {
    errors.push(invalidField('spec.user', spec.user, 'at least one of user or group must be specified'));
  }
  return errors;
}

function access(context: ServerContext, user: UserInfo, spec: any): object {
  const { resourceAttributes: asked = {}, nonResourceAttributes: path } = spec;
  const answer = context.authorize({
    user,
    verb: path?.verb ?? asked.verb ?? '',
    group: asked.group ?? '',
    version: asked.version ?? '',
    resource: asked.resource ?? '',
    subresource: asked.subresource,
    namespace: asked.namespace,
    name: asked.name,
    path: path?.path,
  });
  return { allowed: answer.allowed, ...(answer.reason ? { reason: answer.reason } : {}) };
}

/** What one may do in a namespace. Without roles everyone may do everything. */
function rules({ rbac }: ServerContext, user: UserInfo, namespace: string): object {
  if (!rbac) {
    return {
      resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
      nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      incomplete: false,
    };
  }
  const found = rbac.rulesFor(user, namespace);
  return {
    resourceRules: found.rules.filter(({ resources }) => resources?.length),
    nonResourceRules: found.rules.filter(({ nonResourceURLs }) => nonResourceURLs?.length),
    incomplete: found.errors.length > 0,
    ...(found.errors.length > 0 ? { evaluationError: found.errors.join(', ') } : {}),
  };
}

/** Whose token it is. */
function review({ tokens }: ServerContext, spec: any): object {
  const verified = tokens?.verify(spec.token);
  const wanted: string[] = spec.audiences?.length ? spec.audiences : [issuer];
  const audiences = verified?.audiences.filter((audience) => wanted.includes(audience)) ?? [];
  if (!verified) return { user: {}, error: 'invalid bearer token' };
  if (audiences.length === 0) {
    const error = `token audiences ${quoted(verified.audiences)} is invalid for the target audiences ${quoted(wanted)}`;
    return { user: {}, error };
  }
  return { authenticated: true, user: userInfo(verified.user), audiences };
}
