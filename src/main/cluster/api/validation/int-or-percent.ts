import type { FieldError } from '../kind';
import { invalid } from './field';
import { percentage } from './strings';

/** A number of pods, or a share of them like `25%`. */
export type IntOrPercent = number | string | undefined;

/** Faults of a number or share that may not be negative. */
export function validateIntOrPercent(value: IntOrPercent, at: string): FieldError[] {
  if (typeof value === 'string') return percentage(value).map((message) => invalid(at, value, message));
  return (value ?? 0) < 0 ? [invalid(at, value, 'must be greater than or equal to 0')] : [];
}

/** Faults of a share of more than all. */
export function validateAtMostAll(value: IntOrPercent, at: string): FieldError[] {
  return typeof value === 'string' && amount(value) > 100 ? [invalid(at, value, 'must not be greater than 100%')] : [];
}

/** The number in front of `%`, or the number itself. */
export const amount = (value: IntOrPercent): number =>
  typeof value === 'string' ? Number.parseInt(value, 10) : (value ?? 0);
