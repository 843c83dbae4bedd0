import type { BridgeError } from '@shared/bridge/protocol';
import { z } from 'zod';
import { ApiError } from '../cluster/api/errors';

/** A failure of the app itself, already in the user's words. */
export class ServiceError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly more: { hint?: string; object?: string } = {},
  ) {
    super(message);
    this.name = 'ServiceError';
  }
}

/** What can be done about an API's refusal, by its reason. */
const hints: Record<string, string> = {
  Unauthorized: 'Sign in to the cluster again, or renew the credentials in your kubeconfig.',
  Forbidden: 'Your user may not do this. Ask the administrator of the cluster for the permission.',
  NotFound: 'It may have been deleted meanwhile. Refresh and look again.',
  AlreadyExists: 'Choose another name, or edit the object that is there.',
  Conflict: 'Someone changed it meanwhile. Load it again and repeat your change.',
  Invalid: 'Correct the fields that are named and try again.',
  Expired: 'Load the list again.',
  TooManyRequests: 'The cluster is busy. Try again in a moment.',
  Timeout: 'Try again. If it goes on, look at the health of the cluster.',
  ServiceUnavailable: 'Wait until the API is ready and try again.',
};

const unreachable: Record<string, string> = {
  ECONNREFUSED: 'Nothing listens at the address. Is the cluster running?',
  ECONNRESET: 'The connection was cut. Try again.',
  ENOTFOUND: 'The name of the server cannot be resolved. Check the kubeconfig and your network.',
  EAI_AGAIN: 'The name of the server cannot be resolved now. Check your network.',
  ETIMEDOUT: 'The server did not answer. Check your network or VPN.',
  EHOSTUNREACH: 'There is no route to the server. Check your network or VPN.',
  ENETUNREACH: 'There is no route to the server. Check your network or VPN.',
  EPIPE: 'The connection was cut. Try again.',
};

const certificate = /^(CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(GET|VERIFY))/;

function fromApi(error: ApiError): BridgeError {
  const { status } = error;
  const details = status.details;
  const resource = details?.kind ? (details.group ? `${details.kind}.${details.group}` : details.kind) : undefined;
  const hint = hints[error.reason];
  return {
    code: error.reason,
    message: error.message,
    status: error.code,
    ...(resource ? { object: details?.name ? `${resource} "${details.name}"` : resource } : {}),
    ...(hint ? { hint } : {}),
    ...(details?.causes?.length
      ? {
          causes: details.causes.map((cause) => ({
            message: cause.message ?? '',
            ...(cause.field ? { field: cause.field } : {}),
            ...(cause.reason ? { reason: cause.reason } : {}),
          })),
        }
      : {}),
  };
}

function fromZod(error: z.ZodError): BridgeError {
  const causes = error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message }));
  return {
    code: 'invalidParams',
    message: causes.map((cause) => (cause.field ? `${cause.field}: ${cause.message}` : cause.message)).join('; '),
    causes,
  };
}

/** The system error code of a failure or of what caused it. */
function systemCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === 'string' && (code in unreachable || certificate.test(code))) return code;
  }
  return undefined;
}

/** Any failure as the user is told of it (D12). */
export function toBridgeError(error: unknown): BridgeError {
  if (error instanceof ApiError) return fromApi(error);
  if (error instanceof ServiceError) return { code: error.code, message: error.message, ...error.more };
  if (error instanceof z.ZodError) return fromZod(error);
  if (!(error instanceof Error)) return { code: 'internal', message: String(error) };
  if (error.name === 'AbortError') return { code: 'cancelled', message: 'The action was cancelled.' };
  const code = systemCode(error);
  if (code) {
    return {
      code: 'unavailable',
      message: error.message || code,
      hint:
        unreachable[code] ??
        'The certificate of the server is not trusted. Check certificate-authority in the kubeconfig.',
    };
  }
  return { code: 'internal', message: error.message || error.name };
}

/** The failure in one line, for a status or a freshness. */
export function errorText(error: unknown): string {
  return toBridgeError(error).message;
}
