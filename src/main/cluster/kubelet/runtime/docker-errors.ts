import { RuntimeError } from './types';

/** Turns a failure of dockerode into a RuntimeError that keeps the engine's own words. */
export function dockerError(cause: unknown, endpoint: string, signal?: AbortSignal): RuntimeError {
  if (cause instanceof RuntimeError) return cause;
  const error = cause as NodeJS.ErrnoException & { statusCode?: number; json?: { message?: string } | null };
  if (signal?.aborted || error.name === 'AbortError') return new RuntimeError('the call was cancelled', 'aborted');
  if (error.statusCode !== undefined) {
    const message = (error.json?.message ?? error.message.replace(/^\(HTTP code \d+\) .*? - /, '')).trim();
    if (error.statusCode === 404) return new RuntimeError(message, 'not-found');
    if (error.statusCode === 409) return new RuntimeError(message, 'conflict');
    return new RuntimeError(message, 'failed');
  }
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return new RuntimeError(
        `Cannot connect to the Docker daemon at ${endpoint}. Is the docker daemon running?`,
        'unreachable',
      );
    case 'EACCES':
      return new RuntimeError(
        `permission denied while trying to connect to the Docker daemon socket at ${endpoint}: the user must be in the group that owns it (docker)`,
        'unreachable',
      );
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new RuntimeError(
        `error during connect to the Docker daemon at ${endpoint}: ${error.message}`,
        'unreachable',
      );
    default:
      return new RuntimeError(error.message, 'failed');
  }
}

export const isNotFound = (error: unknown): boolean => error instanceof RuntimeError && error.code === 'not-found';
export const isUnreachable = (error: unknown): boolean => error instanceof RuntimeError && error.code === 'unreachable';
