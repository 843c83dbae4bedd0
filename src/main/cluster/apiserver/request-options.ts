import { invalid } from '../api/errors';
import type { FieldError } from '../api/kind';
import { forbidden, invalid as invalidField, notSupported, tooLong } from '../api/validation/field';
import type { ApiRequest } from './types';

const maxManagerBytes = 128;
const validations = ['', 'Ignore', 'Strict', 'Warn'];
const policies = ['Foreground', 'Background', 'Orphan'];

type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions' | 'ListOptions';

/** Refuses options as `Kind.meta.k8s.io`, as Kubernetes does. @throws ApiError 422 */
function refuse(kind: OptionsKind, errors: FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', plural: kind.toLowerCase(), kind }, '', errors);
}

/** Checks what the query of a create, update or patch asks for. @throws ApiError 422 */
export function checkWriteOptions({ method, query, contentType = '' }: ApiRequest): void {
  const kind = method === 'PATCH' ? 'PatchOptions' : method === 'PUT' ? 'UpdateOptions' : 'CreateOptions';
  const errors: FieldError[] = [];
  const validation = query.get('fieldValidation') ?? '';
  const manager = query.get('fieldManager') ?? '';
  if (kind === 'PatchOptions') {
    const applies = /^application\/apply-patch\+yaml\b/i.test(contentType.trim());
    if (applies && manager === '') {
      errors.push({ type: 'Required', field: 'fieldManager', detail: 'is required for apply patch' });
    }
    if (!applies && !['', '0', 'false'].includes(query.get('force') ?? '')) {
      errors.push(forbidden('force', 'may not be specified for non-apply patch'));
    }
  }
  errors.push(...checkManager(manager), ...checkDryRun(query));
  if (!validations.includes(validation)) errors.push(notSupported('fieldValidation', validation, validations));
  refuse(kind, errors);
}

/** Checks DeleteOptions, whichever way they came. @throws ApiError 422 */
export function checkDeleteOptions(
  query: URLSearchParams,
  { propagationPolicy, orphanDependents }: { propagationPolicy?: unknown; orphanDependents?: unknown },
): void {
  const errors: FieldError[] = [];
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    const detail = 'orphanDependents and deletionPropagation cannot be both set';
    errors.push(invalidField('propagationPolicy', propagationPolicy, detail));
  }
  if (propagationPolicy !== undefined && !policies.includes(propagationPolicy as string)) {
    errors.push(notSupported('propagationPolicy', propagationPolicy, [...policies, 'nil']));
  }
  errors.push(...checkDryRun(query));
  refuse('DeleteOptions', errors);
}

/** Checks which parts of a list or watch go together. @throws ApiError 422 */
export function checkListOptions(query: URLSearchParams, watching: boolean): void {
  const field = 'resourceVersionMatch';
  const match = query.get(field) ?? '';
  const version = query.get('resourceVersion') ?? '';
  const initial = query.has('sendInitialEvents');
  const errors: FieldError[] = [];
  if (watching) {
    if (initial && match !== 'NotOlderThan') {
      errors.push(forbidden(field, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
    }
    if (match !== '') {
      if (!initial) {
        errors.push(
          forbidden(field, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'),
        );
      }
      if (match !== 'NotOlderThan') errors.push(notSupported(field, match, ['NotOlderThan']));
      if (query.get('continue'))
        errors.push(forbidden(field, 'resourceVersionMatch is forbidden when continue is provided'));
    }
  } else {
    if (match !== '') {
      if (version === '') {
        errors.push(forbidden(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
      }
      if (query.get('continue'))
        errors.push(forbidden(field, 'resourceVersionMatch is forbidden when continue is provided'));
      if (match !== 'Exact' && match !== 'NotOlderThan') {
        errors.push(notSupported(field, match, ['Exact', 'NotOlderThan', '']));
      }
      if (match === 'Exact' && version === '0') {
        errors.push(forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
      }
    }
    if (initial) errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  refuse('ListOptions', errors);
}

function checkManager(manager: string): FieldError[] {
  if (Buffer.byteLength(manager) > maxManagerBytes) return [tooLong('fieldManager', maxManagerBytes)];
  const position = [...manager].findIndex((letter) => /[\p{C}\p{Zl}\p{Zp}]/u.test(letter));
  if (position < 0) return [];
  const code = [...manager][position]!.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
  return [invalidField('fieldManager', manager, `invalid character U+${code} (at position ${position})`)];
}

function checkDryRun(query: URLSearchParams): FieldError[] {
  const asked = query.getAll('dryRun').filter((value) => value !== '');
  return asked.some((value) => value !== 'All') ? [notSupported('dryRun', asked, ['All'])] : [];
}
