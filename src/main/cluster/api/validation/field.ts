import type { FieldError } from '../kind';

/** Constructors of field errors. `field` is the path as in `spec.containers[0].name`. */

export const required = (field: string, detail = ''): FieldError => ({ type: 'Required', field, detail });

export const invalid = (field: string, value: unknown, detail: string): FieldError => ({
  type: 'Invalid',
  field,
  value,
  detail,
});

export const forbidden = (field: string, detail: string): FieldError => ({ type: 'Forbidden', field, detail });

export const duplicate = (field: string, value: unknown): FieldError => ({
  type: 'Duplicate',
  field,
  value,
  detail: '',
});

export const notFound = (field: string, value: unknown): FieldError => ({ type: 'NotFound', field, value, detail: '' });

export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  type: 'NotSupported',
  field,
  value,
  detail: `supported values: ${supported.map((name) => JSON.stringify(name)).join(', ')}`,
});

export const tooLong = (field: string, bytes: number): FieldError => ({
  type: 'TooLong',
  field,
  detail: `may not be more than ${bytes} bytes`,
});

/** One Invalid error per message. */
export const invalidEach = (field: string, value: unknown, messages: string[]): FieldError[] =>
  messages.map((message) => invalid(field, value, message));

/** A value that must be set and one of a few. */
export function oneOf(field: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  if (!value) return [required(field)];
  return supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

/** A number that may be absent but not negative. */
export const nonNegative = (field: string, value: number | undefined): FieldError[] =>
  value !== undefined && value < 0 ? [invalid(field, value, 'must be greater than or equal to 0')] : [];

export const immutableMessage = 'field is immutable';
