import type { Status } from '@shared/k8s';
import { ApiError, apiError } from '../api/errors';

/** The Status the server answered with, or one made from what it did answer. */
export function failure(code: number, contentType: string, text: string): ApiError {
  if (/\bjson\b/.test(contentType) || text.startsWith('{')) {
    try {
      const status = JSON.parse(text) as Status;
      if (status.kind === 'Status') return new ApiError({ ...status, code: status.code ?? code });
    } catch {
      // Not a Status: told below.
    }
  }
  const reasons: Record<number, string> = {
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'NotFound',
    429: 'TooManyRequests',
  };
  const said = text.trim().slice(0, 500);
  return apiError(code, reasons[code] ?? 'Unknown', said || `the server answered ${code} without saying why`);
}
