import type { Status } from '@shared/k8s';
import { ApiError, apiError } from '../api/errors';

/** A failure nobody foresaw, in the API's form. */
export function internalError(error: unknown): ApiError {
  const message = error instanceof Error ? error.message : String(error);
  return apiError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}

/** The Status of whatever was thrown. */
export function statusOf(error: unknown): Status {
  return (error instanceof ApiError ? error : internalError(error)).status;
}

export const unauthorized = () => apiError(401, 'Unauthorized', 'Unauthorized');

export const tooLarge = (limit: number) =>
  apiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`, {});
