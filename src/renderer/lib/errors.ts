import type { BridgeError } from '@shared/bridge/protocol';
import { BridgeException } from '@/bridge';

/** Any failure as the user is told of it. */
export function toBridgeError(error: unknown): BridgeError {
  if (error instanceof BridgeException) return error.error;
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

/** Everything known of a failure, as text to paste into a report. */
export function errorText(title: string, error: BridgeError): string {
  const lines = [title, `${error.code}${error.status ? ` (${error.status})` : ''}: ${error.message}`];
  if (error.object) lines.push(error.object);
  for (const cause of error.causes ?? []) lines.push(`- ${cause.field ? `${cause.field}: ` : ''}${cause.message}`);
  if (error.hint) lines.push(error.hint);
  return lines.join('\n');
}
