import type { KubeObject } from '@shared/k8s';
import { badRequest } from '../api/errors';
import { cloneJson } from '../json';

/** How deep a body may nest; far beyond any real object, far below what recursion can bear. */
const maxDepth = 500;

/**
 * A copy of an object to change. Its metadata.managedFields, large and replaced as
 * a whole if at all, stays shared.
 */
export function cloneObject<T extends KubeObject>(object: T): T {
  const managedFields = object.metadata?.managedFields;
  if (!managedFields) return cloneJson(object);
  const { managedFields: _, ...metadata } = object.metadata!;
  const copy = cloneJson({ ...object, metadata });
  copy.metadata!.managedFields = managedFields;
  return copy;
}

/** Refuses data nested so deep that walking it would exhaust the stack. @throws ApiError 400 */
export function assertDepth(value: unknown, depth = 0): void {
  if (value === null || typeof value !== 'object') return;
  if (depth >= maxDepth) throw badRequest(`the body nests deeper than ${maxDepth} levels`);
  if (Array.isArray(value)) for (const item of value) assertDepth(item, depth + 1);
  else for (const key of Object.keys(value)) assertDepth((value as Record<string, unknown>)[key], depth + 1);
}

/** Whether the value is a JSON object (not null, not an array). */
export function isObject(value: unknown): value is Record<string, any> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
