import type { KubeObject, Status } from '@shared/k8s';
import { badRequest, conflict } from '../api/errors';
import { timestamp } from '../clock';
import { StoreError, type StoredObject } from '../store/types';
import type { AdmissionAttributes } from './admission';
import { objectResponse, type Call, type ServerContext } from './context';
import { decodeBody } from './decode';
import { cloneJson } from '../json';
import { isObject } from './json';
import { heldByNamespaceFinalizer, isNamespaces } from './namespaces';
import { flag, select, wholeNumber } from './reads';
import { checkDeleteOptions } from './request-options';
import { getStored } from './resources';
import { selectionOf } from './selectors';
import type { Answer, ApiResponse } from './types';
import { isDryRun } from './writes';

/** Kinds whose deletion answers the object as it was; the others answer a Status. */
const answeredWithObject = new Set([
  'pods',
  'services',
  'serviceaccounts',
  'podtemplates',
  'resourcequotas',
  'persistentvolumes',
  'persistentvolumeclaims',
]);

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: string;
  preconditions?: { uid?: string; resourceVersion?: string };
}

/** DELETE of one object. */
export async function remove(context: ServerContext, call: Call): Promise<ApiResponse> {
  const options = deleteOptions(context, call);
  const result = await deleteObject(context, call, options);
  return objectResponse(call, result.answer, result.status);
}

/** DELETE of a collection: each object in turn, answered with the list of them. */
export async function removeCollection(context: ServerContext, call: Call): Promise<ApiResponse> {
  const options = deleteOptions(context, call);
  const { items, revision } = select(context, call, selectionOf(call.resource.definition, call.request.query));
  for (const item of items) {
    const { namespace, name } = item.value.metadata!;
    try {
      await deleteObject(context, { ...call, namespace, name }, options);
    } catch (error) {
      if ((error as { code?: number }).code !== 404) throw error;
    }
  }
  return {
    status: 200,
    warnings: call.warnings,
    payload: {
      type: 'list',
      apiVersion: call.resource.apiVersion,
      kind: `${call.resource.definition.kind}List`,
      metadata: { resourceVersion: String(revision) },
      items,
    },
  };
}

/**
 * Deletes an object, or marks it when a grace period or a finalizer holds it.
 * @throws ApiError 404 | 409 | 403
 */
export async function deleteObject(
  context: ServerContext,
  call: Call,
  options: DeleteOptions,
): Promise<{ answer: Answer; status: number }> {
  const { definition } = call.resource;
  const dryRun = isDryRun(call);
  let current = getStored(context.store, call.resource, call.namespace, call.name!);
  const attributes: AdmissionAttributes = {
    operation: 'DELETE',
    resource: call.resource,
    subresource: call.subresource,
    namespace: call.namespace,
    name: call.name,
    old: current.value,
    user: call.user,
    dryRun,
    warn: (message) => void call.warnings.push(message),
    annotate: (key, value) => call.request.annotate?.(key, value),
    onDone: () => {},
  };
  await context.admission.admit(attributes);
  await context.admission.validate(attributes);
  for (;;) {
    checkPreconditions(call, current, options);
    const marked = mark(context, call, current.value, options);
    try {
      if (marked === 'pending') return { answer: current, status: 200 };
      if (marked === 'now') {
        const gone = dryRun ? current : await context.store.delete(current.key, current.revision);
        const whole = definition.group === '' && answeredWithObject.has(definition.plural);
        return { answer: whole ? gone : { value: success(call, current.value) }, status: 200 };
      }
      const answer = dryRun ? { value: marked } : await context.store.update(current.key, marked, current.revision);
      return { answer, status: 200 };
    } catch (error) {
      if (!(error instanceof StoreError) || (error.code !== 'conflict' && error.code !== 'notFound')) throw error;
      current =
        (error.code === 'conflict' ? error.current : undefined) ??
        getStored(context.store, call.resource, call.namespace, call.name!);
    }
  }
}

/** What is to happen: go at once, stay as it is, or be stored with these marks. */
function mark(
  context: ServerContext,
  call: Call,
  old: KubeObject,
  options: DeleteOptions,
): 'now' | 'pending' | KubeObject {
  const { definition } = call.resource;
  const metadata = old.metadata!;
  const finalizers = finalizersFor(metadata.finalizers ?? [], options.propagationPolicy);
  const held = finalizers.length > 0 || heldByNamespaceFinalizer(call.resource, old);
  const finalizersChange = finalizers.length !== (metadata.finalizers?.length ?? 0);
  const deleting = metadata.deletionTimestamp !== undefined;
  const graceful = definition.gracePeriodSeconds !== undefined;
  const asked = options.gracePeriodSeconds;
  let grace = graceful ? Math.max(0, definition.gracePeriodSeconds!(old, asked)) : 0;
  let time = context.clock.now() + grace * 1000;
  if (deleting) {
    const left = metadata.deletionGracePeriodSeconds ?? 0;
    const shortens = graceful && (asked !== undefined || grace === 0) && grace < left;
    if (!shortens) {
      if (!finalizersChange) return held || left > 0 ? 'pending' : 'now';
      grace = left;
    }
    time = Date.parse(metadata.deletionTimestamp!) + (grace - left) * 1000;
  }
  if (grace === 0 && !held) return 'now';
  const draft = cloneJson(old);
  const marks = draft.metadata!;
  if (!deleting && marks.generation) marks.generation += 1;
  marks.deletionTimestamp = timestamp(time);
  marks.deletionGracePeriodSeconds = grace;
  if (finalizers.length > 0) marks.finalizers = finalizers;
  else delete marks.finalizers;
  if (isNamespaces(call.resource)) draft.status = { ...draft.status, phase: 'Terminating' };
  return draft;
}

/** Orphan and foreground deletion are carried out by the garbage collector, which these finalizers call. */
function finalizersFor(present: string[], policy: string | undefined): string[] {
  if (policy === undefined) return present;
  const others = present.filter((name) => name !== 'orphan' && name !== 'foregroundDeletion');
  if (policy === 'Orphan') return [...others, 'orphan'];
  if (policy === 'Foreground') return [...others, 'foregroundDeletion'];
  return others;
}

/** @throws ApiError 409 */
function checkPreconditions(call: Call, current: StoredObject, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion } = current.value.metadata!;
  const { group, kind } = call.resource.definition;
  const refuse = (what: string, asked: string, found: string | undefined, why: string) =>
    conflict(
      { group, plural: kind },
      call.name!,
      `the ${what} in the precondition (${asked}) does not match the ${what} in record (${found}). ${why}`,
    );
  if (preconditions?.uid && preconditions.uid !== uid) {
    throw refuse('UID', preconditions.uid, uid, 'The object might have been deleted and then recreated');
  }
  if (preconditions?.resourceVersion && preconditions.resourceVersion !== resourceVersion) {
    throw refuse(
      'ResourceVersion',
      preconditions.resourceVersion,
      resourceVersion,
      'The object might have been modified',
    );
  }
}

/** DeleteOptions from the body, or from the query where the body is silent. @throws ApiError 400 | 422 */
function deleteOptions(context: ServerContext, call: Call): DeleteOptions {
  const { query } = call.request;
  const options = bodyOptions(context, call);
  for (const value of options.dryRun ?? []) query.append('dryRun', value);
  const policy = options.propagationPolicy ?? query.get('propagationPolicy') ?? undefined;
  const orphans =
    options.orphanDependents ?? (query.has('orphanDependents') ? flag(query, 'orphanDependents') : undefined);
  checkDeleteOptions(query, { propagationPolicy: policy, orphanDependents: orphans });
  const propagationPolicy = policy ?? (orphans === undefined ? undefined : orphans ? 'Orphan' : 'Background');
  const asked = options.gracePeriodSeconds ?? wholeNumber(query, 'gracePeriodSeconds');
  // Less than no time is taken for the least there is.
  const gracePeriodSeconds = asked !== undefined && asked < 0 ? 1 : asked;
  return { gracePeriodSeconds, propagationPolicy, preconditions: options.preconditions };
}

interface BodyOptions extends DeleteOptions {
  orphanDependents?: boolean;
  dryRun?: string[];
}

/** DeleteOptions in the body, where there are any. @throws ApiError 400 */
function bodyOptions(context: ServerContext, call: Call): BodyOptions {
  const body = decodeBody(call.request, context.schema);
  if (body === undefined || body === null) return {};
  if (!isObject(body)) throw badRequest('the body of a delete must be DeleteOptions');
  if (body.kind !== undefined && body.kind !== '' && body.kind !== 'DeleteOptions') {
    throw badRequest(`${String(body.kind)} cannot be handled as a DeleteOptions`);
  }
  const options = { ...body, apiVersion: 'v1', kind: 'DeleteOptions' };
  const wrong = context.schema.check(options).find(({ kind }) => kind === 'type');
  if (wrong) throw badRequest(`DeleteOptions in version "v1" cannot be handled as a DeleteOptions: ${wrong.message}`);
  return context.schema.prune(options) as BodyOptions;
}

function success(call: Call, object: KubeObject): Status {
  const { definition } = call.resource;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: call.name,
      ...(definition.group ? { group: definition.group } : {}),
      kind: definition.plural,
      uid: object.metadata?.uid,
    },
  };
}
