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

/**
 * What a failure to connect reads like in kubectl. The transport reports those as
 * 503 `cannot reach HOST:PORT: WHY`, with the words of the socket or of TLS.
 */
function connectionMessage(error: ApiError): string | undefined {
  const match = error.code === 503 ? /^cannot reach (\S+): (.*)$/s.exec(error.message) : null;
  if (!match) return undefined;
  const [, host, why = ''] = match;
  if (why.includes('ECONNREFUSED')) {
    return `The connection to the server ${host} was refused - did you specify the right host or port?`;
  }
  const name = /(?:ENOTFOUND|EAI_AGAIN) (\S+)/.exec(why)?.[1];
  if (name) return `Unable to connect to the server: dial tcp: lookup ${name}: no such host`;
  if (/certificate|altname/i.test(why)) {
    return `Unable to connect to the server: tls: failed to verify certificate: x509: ${why}`;
  }
  return `Unable to connect to the server: ${why}`;
}

/** The message without kubectl's `error: `. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) {
    const connection = connectionMessage(error);
    if (connection) return connection;
    if (error.reason === 'Unauthorized') return `error: You must be logged in to the server (${error.message})`;
    return error.status.reason
      ? `Error from server (${error.reason}): ${error.message}`
      : `Error from server: ${error.message}`;
  }
  return error instanceof Error ? error.message : String(error);
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
export function describeFailure(error: unknown): { text: string; exitCode: number } {
  if (error instanceof ExitError) return { text: '', exitCode: error.exitCode };
  if (error instanceof ErrorList) {
    return { text: `${error.errors.map((inner) => messageOf(inner)).join('\n')}\n`, exitCode: 1 };
  }
  if (error instanceof ApiError && error.reason === 'Invalid') {
    return { text: `${invalidMessage(error.status)}\n`, exitCode: 1 };
  }
  const message = messageOf(error);
  const exitCode = error instanceof KubectlError ? (error.options.exitCode ?? 1) : 1;
  const complete =
    error instanceof ApiError || (error instanceof KubectlError && error.options.bare) || message.startsWith('error: ');
  return { text: `${complete ? '' : 'error: '}${message.replace(/\n+$/, '')}\n`, exitCode };
}
