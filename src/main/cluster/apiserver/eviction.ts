import type { KubeObject, Pod, PodDisruptionBudget, Status } from '@shared/k8s';
import { isEmptySelector, matchesSelector } from '@shared/selectors';
import { apiError, badRequest, conflict, forbidden } from '../api/errors';
import { hasCondition, setCondition } from '../conditions';
import { timestamp } from '../clock';
import { methodNotAllowed, objectResponse, type Call, type ServerContext } from './context';
import { decodeBody, decodeObject } from './decode';
import { deleteObject, type DeleteOptions } from './deletes';
import { cloneObject, isObject } from './json';
import { getStored } from './resources';
import type { ApiRequest, ApiResponse } from './types';
import { admitted, isDryRun, mutate } from './writes';

/** More evictions than this may not wait for the disruption controller (Kubernetes' MaxDisruptedPodSize). */
const maxDisruptedPods = 2000;
const refusal = "Cannot evict pod as it would violate the pod's disruption budget.";
const done: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

/**
 * POST to pods/eviction: a delete that asks the pod's disruption budget first, as
 * pkg/registry/core/pod/storage/eviction.go does.
 * @throws ApiError 429 when the budget has no disruption to give, 500 when there are several budgets, 409 for a
 *   precondition that does not hold
 */
export async function evict(context: ServerContext, call: Call): Promise<ApiResponse> {
  if (call.request.method !== 'POST') throw methodNotAllowed();
  const { eviction, options } = readEviction(context, call);
  const dryRun = isDryRun(call);
  const pod = podOf(context, call);
  const change = { operation: 'CREATE', object: eviction, kind: evictionKind } as const;
  await admitted(context, call, change, (attributes) => context.admission.validate(attributes));
  checkPreconditions(call, pod, options);
  if (isGuarded(pod)) {
    const budget = budgetOf(context, pod);
    if (budget && !mayGoUnhealthy(budget, pod)) await takeDisruption(context, call, budget.metadata.name, pod);
  }
  let preconditions = options.preconditions;
  if (!dryRun) preconditions = await markDisrupted(context, call, options);
  await deleteObject(context, { ...call, subresource: undefined }, { ...options, preconditions });
  return objectResponse(call, { value: done }, 201);
}

const evictionKind = { group: 'policy', version: 'v1', kind: 'Eviction' };

/** The body with its delete options, whose dryRun counts for the whole request. @throws ApiError 400 */
function readEviction(context: ServerContext, call: Call): { eviction: KubeObject; options: DeleteOptions } {
  const request = currentVersion(context, call.request);
  const eviction = decodeObject(request, evictionKind, context.schema, call.warnings);
  if (eviction.metadata?.name && eviction.metadata.name !== call.name) {
    throw badRequest('name in URL does not match name in Eviction object');
  }
  const options: DeleteOptions & { dryRun?: string[] } = eviction.deleteOptions ?? {};
  const asked = call.request.query.getAll('dryRun').filter((value) => value !== '');
  const { dryRun = [] } = options;
  if (dryRun.length && asked.length && dryRun.join() !== asked.join()) {
    throw badRequest(
      `Non-matching dry-run options in request and content: [${asked.join(' ')}] and [${dryRun.join(' ')}]`,
    );
  }
  if (dryRun.length) call.request.query.set('dryRun', dryRun[0]!);
  return { eviction, options };
}

/** Clients before 1.22 send policy/v1beta1, whose Eviction is the same. */
function currentVersion(context: ServerContext, request: ApiRequest): ApiRequest {
  const body = decodeBody(request, context.schema);
  if (!isObject(body) || body.apiVersion !== 'policy/v1beta1') return request;
  return { ...request, contentType: 'application/json', body: JSON.stringify({ ...body, apiVersion: 'policy/v1' }) };
}

const podOf = (context: ServerContext, call: Call): Pod =>
  getStored(context.store, call.resource, call.namespace, call.name!).value as Pod;

/** Whether the pod serves: one that has ended, has not begun or is going disrupts nobody when it goes. */
function isGuarded({ metadata, status }: Pod): boolean {
  return status?.phase === 'Running' && !metadata.deletionTimestamp;
}

/** The budget that speaks for a pod, if any. @throws ApiError 500 when several do */
function budgetOf(context: ServerContext, pod: Pod): PodDisruptionBudget | undefined {
  const { labels, namespace } = pod.metadata;
  const scope = context.registry.need('policy', 'v1', 'poddisruptionbudgets').scope(namespace);
  const budgets = context.store
    .list(scope)
    .items.map(({ value }) => value as PodDisruptionBudget)
    .filter(({ spec }) => spec?.selector && (isEmptySelector(spec.selector) || matchesSelector(spec.selector, labels)));
  if (budgets.length > 1) {
    throw apiError(
      500,
      'InternalError',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  return budgets[0];
}

/** Whether a pod that is not ready may go without using up a disruption. */
function mayGoUnhealthy({ spec, status }: PodDisruptionBudget, pod: Pod): boolean {
  if (hasCondition(pod.status?.conditions, 'Ready')) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

/** Takes one of the budget's disruptions and writes down for whom. @throws ApiError 429 | 403 */
async function takeDisruption(context: ServerContext, call: Call, budget: string, pod: Pod): Promise<void> {
  const resource = context.registry.need('policy', 'v1', 'poddisruptionbudgets');
  const now = context.clock.now();
  await mutate(
    context,
    { ...call, resource, name: budget, subresource: 'status' },
    ({ value }) => {
      const draft = cloneObject(value) as PodDisruptionBudget;
      const status = draft.status!;
      const { generation = 0 } = draft.metadata;
      if ((status.observedGeneration ?? 0) < generation) {
        throw tooManyRequests(`The disruption budget ${budget} is still being processed by the server.`, 10);
      }
      const refuse = (why: string) => forbidden({ group: 'policy', plural: 'poddisruptionbudget' }, budget, why);
      if (status.disruptionsAllowed < 0) throw refuse('pdb disruptions allowed is negative');
      if (Object.keys(status.disruptedPods ?? {}).length > maxDisruptedPods) {
        throw refuse('DisruptedPods map too big - too many evictions not confirmed by PDB controller');
      }
      if (status.disruptionsAllowed === 0) throw tooManyRequests(whyNone(draft));
      status.disruptionsAllowed -= 1;
      if (status.disruptionsAllowed === 0) {
        const condition = {
          type: 'DisruptionAllowed',
          status: 'False',
          reason: 'InsufficientPods',
          message: '',
          observedGeneration: generation,
          lastTransitionTime: timestamp(now),
        };
        status.conditions = setCondition(status.conditions, condition, now);
      }
      status.disruptedPods = { ...status.disruptedPods, [pod.metadata.name]: timestamp(now) as never };
      return draft as KubeObject;
    },
    { strategy: 'none' },
  );
}

function whyNone({ metadata, status }: PodDisruptionBudget): string {
  const failed = status?.conditions?.find(
    ({ type, reason }) => type === 'DisruptionAllowed' && reason === 'SyncFailed',
  );
  return failed
    ? `The disruption budget ${metadata.name} does not allow evicting pods currently because it failed sync: ${failed.message}`
    : `The disruption budget ${metadata.name} needs ${status!.desiredHealthy} healthy pods and has ${status!.currentHealthy} currently`;
}

const tooManyRequests = (message: string, retryAfterSeconds?: number) =>
  apiError(429, 'TooManyRequests', refusal, {
    causes: [{ reason: 'DisruptionBudget', message }],
    ...(retryAfterSeconds ? { retryAfterSeconds } : {}),
  });

/**
 * Says on the pod why it goes, so that owners can tell a disruption from a failure.
 * @returns the preconditions with which the pod as it is now may be deleted
 */
async function markDisrupted(
  context: ServerContext,
  call: Call,
  options: DeleteOptions,
): Promise<DeleteOptions['preconditions']> {
  const now = context.clock.now();
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  };
  const marked = await mutate(
    context,
    { ...call, subresource: 'status' },
    ({ value }) => {
      checkPreconditions(call, value as Pod, options);
      const draft = cloneObject(value) as Pod;
      draft.status = { ...draft.status, conditions: setCondition(draft.status?.conditions, condition, now) };
      return draft;
    },
    { strategy: 'none' },
  );
  const { uid, resourceVersion } = marked.value.metadata!;
  return { uid, ...(options.preconditions?.resourceVersion ? { resourceVersion } : {}) };
}

function checkPreconditions(call: Call, { metadata }: Pod, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion } = preconditions ?? {};
  const refuse = (what: string, asked: string, found: string) =>
    conflict(
      call.resource.definition,
      call.name!,
      `Precondition failed: ${what} in precondition: ${asked}, ${what} in object meta: ${found}`,
    );
  if (uid && uid !== metadata.uid) throw refuse('UID', uid, metadata.uid);
  if (resourceVersion && resourceVersion !== metadata.resourceVersion) {
    throw refuse('ResourceVersion', resourceVersion, metadata.resourceVersion!);
  }
}
