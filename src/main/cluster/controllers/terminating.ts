import { ApiError } from '../api/errors';

/** Whether a create was refused because its namespace is going away: nothing to retry. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    (error.status.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating')
  );
}
