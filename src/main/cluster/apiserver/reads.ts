import { apiError, badRequest, expired } from '../api/errors';
import type { StoredObject } from '../store/types';
import { objectResponse, type Call, type ServerContext } from './context';
import { inconsistentToken, isInconsistent } from './continuations';
import { checkListOptions } from './request-options';
import { getStored } from './resources';
import { selectionOf, type Selection } from './selectors';
import type { ApiResponse, ListPayload } from './types';

/** GET of one object. */
export function get(context: ServerContext, call: Call): ApiResponse {
  assertReached(context, call.request.query.get('resourceVersion'));
  return objectResponse(call, getStored(context.store, call.resource, call.namespace, call.name!));
}

/** The objects a request selects and the revision they show. */
export function select(
  context: ServerContext,
  call: Call,
  selection: Selection,
): { items: readonly StoredObject[]; revision: number } {
  const { definition } = call.resource;
  if (selection.name !== undefined && (!definition.namespaced || call.namespace !== undefined)) {
    const stored = context.store.get(call.resource.key(call.namespace, selection.name));
    const items = stored && selection.match!(stored.value) ? [stored] : [];
    return { items, revision: context.store.revision };
  }
  const { items, revision } = context.store.list(call.resource.scope(call.namespace));
  const { match } = selection;
  return { items: match ? items.filter((item) => match(item.value)) : items, revision };
}

/** GET of a collection: selectors, limit and continue, resourceVersion and resourceVersionMatch. */
export function list(context: ServerContext, call: Call): ApiResponse {
  const { query } = call.request;
  checkListOptions(query, false);
  const selection = selectionOf(call.resource.definition, query);
  const limit = wholeNumber(query, 'limit') ?? 0;
  const token = query.get('continue');
  const page = token ? resume(context, call, selection, token) : begin(context, call, selection);
  const end = limit > 0 ? Math.min(page.items.length, page.next + limit) : page.items.length;
  const remaining = page.items.length - end;
  const metadata: ListPayload['metadata'] = { resourceVersion: String(page.revision) };
  if (remaining > 0) {
    metadata.continue = context.continuations.keep(page.revision, page.items, end);
    // Kubernetes cannot count what a selector leaves, and clients know that.
    if (!selection.match) metadata.remainingItemCount = remaining;
  }
  const whole = page.next === 0 && remaining === 0;
  return {
    status: 200,
    warnings: call.warnings,
    payload: {
      type: 'list',
      apiVersion: call.resource.apiVersion,
      kind: `${call.resource.definition.kind}List`,
      metadata,
      items: whole ? page.items : page.items.slice(page.next, end),
    },
  };
}

interface Page {
  items: readonly StoredObject[];
  revision: number;
  /** Where the page begins. */
  next: number;
}

function begin(context: ServerContext, call: Call, selection: Selection): Page {
  const wanted = call.request.query.get('resourceVersion');
  const match = call.request.query.get('resourceVersionMatch');
  assertReached(context, wanted);
  if (match === 'Exact' && Number(wanted) !== context.store.revision) {
    throw expired(`The resourceVersion for the provided list is too old.`);
  }
  return { ...select(context, call, selection), next: 0 };
}

function resume(context: ServerContext, call: Call, selection: Selection, token: string): Page {
  const version = call.request.query.get('resourceVersion');
  if (version && version !== '0') throw badRequest('specifying resource version is not allowed when using continue');
  let resumed: ReturnType<ServerContext['continuations']['resume']>;
  try {
    if (isInconsistent(token)) {
      const { start } = context.continuations.resume(token);
      const { items, revision } = select(context, call, selection);
      const next = items.findIndex((item) => item.key > start);
      return { items, revision, next: next < 0 ? items.length : next };
    }
    resumed = context.continuations.resume(token);
  } catch {
    throw badRequest('continue key is not valid: the token was not issued by this server');
  }
  if (resumed.remainder) return resumed.remainder;
  const error = expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  );
  error.status.metadata = { continue: inconsistentToken(resumed.start) };
  throw error;
}

/** Refuses a resourceVersion the store has not come to yet. @throws ApiError 400 | 504 */
export function assertReached(context: ServerContext, version: string | null): void {
  if (!version || version === '0') return;
  const wanted = parseVersion(version);
  if (wanted > context.store.revision) {
    throw apiError(504, 'Timeout', `Too large resource version: ${wanted}, current: ${context.store.revision}`, {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    });
  }
}

/** @throws ApiError 400 when it is no number */
export function parseVersion(version: string): number {
  if (!/^\d{1,15}$/.test(version))
    throw badRequest(`invalid resource version "${version}": strconv.ParseUint: parsing "${version}": invalid syntax`);
  return Number(version);
}

/** A query parameter as a whole number. @throws ApiError 400 */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^-?\d{1,15}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  return Number(text);
}

/** A query parameter as Kubernetes reads booleans: present without a value is true. */
export function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  return text !== null && text !== 'false' && text !== '0';
}
