import { apiError, type ApiError } from '../../api/errors';
import { pathsOf, type FieldSet } from '../../api/schema/fields/field-set';
import type { Entry } from './managers';

/** Fields that somebody else owns with another value. */
export interface Conflict {
  entry: Entry;
  fields: FieldSet;
}

/** 409 that names every owner and field. */
export function applyConflict(conflicts: readonly Conflict[]): ApiError {
  const found = conflicts
    .flatMap(({ entry, fields }) => pathsOf(fields).map((path) => ({ owner: nameOf(entry), path })))
    .sort((a, b) => (a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : 0));
  const causes = found.map(({ owner, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${owner}`,
    field: path,
  }));
  return apiError(409, 'Conflict', messageOf(found), { causes });
}

function messageOf(found: { owner: string; path: string }[]): string {
  if (found.length === 1) return `Apply failed with 1 conflict: conflict with ${found[0]!.owner}: ${found[0]!.path}`;
  const owners = [...new Set(found.map(({ owner }) => owner))];
  const parts = owners.map((owner) => {
    const paths = found.filter((conflict) => conflict.owner === owner).map(({ path }) => `- ${path}`);
    return `conflicts with ${owner}:\n${paths.join('\n')}`;
  });
  return `Apply failed with ${found.length} conflicts: ${parts.join('\n')}`;
}

function nameOf({ manager = '', subresource, operation, apiVersion }: Entry): string {
  const where = subresource ? ` with subresource ${JSON.stringify(subresource)}` : '';
  const how = operation === 'Update' ? ` using ${apiVersion}` : '';
  return `${JSON.stringify(manager)}${where}${how}`;
}
