import type { Status } from '@shared/k8s';
import { ApiError } from '../cluster/api/errors';

/** A failure in kubectl's words; printed with `error: ` before it unless `bare`. */
export class KubectlError extends Error {
  constructor(
    message: string,
    readonly options: { exitCode?: number; bare?: boolean } = {},
  ) {
    super(message);
    this.name = 'KubectlError';
  }
}

/** Ends the command with this code; everything worth saying has been said. */
export class ExitError extends Error {
  constructor(readonly exitCode: number) {
    super(`exit ${exitCode}`);
    this.name = 'ExitError';
  }
}

/** Several failures of one command, each on its own line. */
export class ErrorList extends Error {
  constructor(readonly errors: unknown[]) {
    super(errors.map((error) => messageOf(error)).join('\n'));
    this.name = 'ErrorList';
  }
}

/** Text in double quotes, as Go's %q prints it. */
export const quote = (text: string): string => JSON.stringify(text);

/** A mistake in how a command was called, with a pointer to its help. */
export function usageError(command: string, message: string): KubectlError {
  return new KubectlError(`${message}\nSee 'kubectl ${command} -h' for help and examples`);
}

/** Throws nothing for none, the one, or all of them. */
export function throwAll(errors: unknown[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new ErrorList(errors);
}

export const isNotFound = (error: unknown): boolean => error instanceof ApiError && error.code === 404;

/** The same API failure with words before its message. */
export function prefixed(error: unknown, prefix: string): unknown {
  if (!(error instanceof ApiError)) return error;
  return new ApiError({ ...error.status, message: `${prefix}${error.message}` });
}

const connectionCodes = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNRESET',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
]);

interface NetworkError extends Error {
  code?: string;
  hostname?: string;
  address?: string;
  port?: number;
  server?: string;
  errors?: NetworkError[];
  cause?: unknown;
}

function networkMessage(error: NetworkError, server: string | undefined): string | undefined {
  const inner = error.errors?.[0] ?? error;
  const cause = inner.cause instanceof Error ? (inner.cause as NetworkError) : inner;
  const code = cause.code ?? '';
  if (code === 'ECONNREFUSED') {
    const host = server ?? `${cause.address}:${cause.port}`;
    return `The connection to the server ${host} was refused - did you specify the right host or port?`;
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `Unable to connect to the server: dial tcp: lookup ${cause.hostname ?? server}: no such host`;
  }
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME/.test(code);
  if (certificate) return `Unable to connect to the server: tls: failed to verify certificate: x509: ${cause.message}`;
  return connectionCodes.has(code) ? `Unable to connect to the server: ${cause.message}` : undefined;
}

/** The message without kubectl's `error: `. @param server HOST:PORT, for connection failures */
export function messageOf(error: unknown, server?: string): string {
  if (error instanceof ApiError) {
    if (error.reason === 'Unauthorized') return `error: You must be logged in to the server (${error.message})`;
    return error.status.reason
      ? `Error from server (${error.reason}): ${error.message}`
      : `Error from server: ${error.message}`;
  }
  if (error instanceof Error) return networkMessage(error, server) ?? error.message;
  return String(error);
}

function invalidMessage(status: Status): string {
  const { kind = '', name = '', causes = [] } = status.details ?? {};
  let head = 'The request is invalid';
  if (status.details && (kind || name)) head = `The ${kind} ${quote(name)} is invalid`;
  else if (!status.details || causes.length === 0) return `${head}: ${status.message}`;
  const texts = [
    ...new Set(causes.map((cause) => (cause.field ? `${cause.field}: ${cause.message}` : `${cause.message}`))),
  ];
  if (texts.length === 0) return head;
  if (texts.length === 1) return `${head}: ${texts[0]}`;
  return `${head}: \n${texts.map((text) => `* ${text}`).join('\n')}`;
}

/** What to print on stderr and the exit code for a failure. Text is empty when nothing is left to say. */
export function describeFailure(error: unknown, server?: string): { text: string; exitCode: number } {
  if (error instanceof ExitError) return { text: '', exitCode: error.exitCode };
  if (error instanceof ErrorList) {
    return { text: `${error.errors.map((inner) => messageOf(inner, server)).join('\n')}\n`, exitCode: 1 };
  }
  if (error instanceof ApiError && error.reason === 'Invalid')
    return { text: `${invalidMessage(error.status)}\n`, exitCode: 1 };
  const message = messageOf(error, server);
  const exitCode = error instanceof KubectlError ? (error.options.exitCode ?? 1) : 1;
  const complete =
    error instanceof ApiError ||
    (error instanceof KubectlError && error.options.bare) ||
    message.startsWith('error: ') ||
    (error instanceof Error && !(error instanceof KubectlError) && message !== error.message);
  return { text: `${complete ? '' : 'error: '}${message.replace(/\n+$/, '')}\n`, exitCode };
}
