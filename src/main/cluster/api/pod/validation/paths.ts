import type { FieldError } from '../../kind';
import { invalid } from '../../validation/field';

/** A path that must stay inside what it is relative to. */
export function validateLocalPath(value: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (value.startsWith('/')) errors.push(invalid(path, value, 'must be a relative path'));
  if (value.split('/').includes('..')) errors.push(invalid(path, value, "must not contain '..'"));
  return errors;
}
