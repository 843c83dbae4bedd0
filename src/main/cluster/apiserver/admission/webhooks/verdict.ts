import { STATUS_CODES } from 'node:http';
import type { Status } from '@shared/k8s';
import { ApiError } from '../../../api/errors';
import { isObject } from '../../json';

/** What a webhook decided. */
export interface Verdict {
  allowed: boolean;
  status?: Partial<Status>;
  /** Operations of a JSON patch. */
  patch?: unknown;
  warnings: string[];
  /** What it adds to the audit log. */
  auditAnnotations: Record<string, string>;
}

/** Reads the answer to a review. @throws Error when it is none */
export function readVerdict(answer: unknown, asked: { apiVersion: string; uid: string }, mutating: boolean): Verdict {
  if (!isObject(answer) || answer.kind !== 'AdmissionReview' || answer.apiVersion !== asked.apiVersion) {
    const got = isObject(answer) ? `${answer.apiVersion ?? ''}, Kind=${answer.kind ?? ''}` : typeof answer;
    throw new Error(`expected webhook response of ${asked.apiVersion}, Kind=AdmissionReview, got ${got}`);
  }
  const { response } = answer;
  if (!isObject(response)) throw new Error('webhook response was absent');
  if (response.uid !== asked.uid) throw new Error(`expected response.uid="${asked.uid}", got "${response.uid ?? ''}"`);
  const warnings = Array.isArray(response.warnings) ? response.warnings.map(String) : [];
  const notes = Object.entries(isObject(response.auditAnnotations) ? response.auditAnnotations : {});
  const auditAnnotations = Object.fromEntries(notes.map(([key, value]) => [key, String(value)]));
  const verdict = { allowed: response.allowed === true, status: response.status, warnings, auditAnnotations };
  if (!response.patch) return verdict;
  if (!mutating) throw new Error('validating webhooks may not return response.patch');
  if (!response.patchType) throw new Error('webhook returned response.patch but not response.patchType');
  if (response.patchType !== 'JSONPatch') {
    throw new Error(`webhook returned invalid response.patchType of "${response.patchType}"`);
  }
  return { ...verdict, patch: JSON.parse(Buffer.from(String(response.patch), 'base64').toString()) };
}

/** The refusal of a webhook as the client gets it. */
export function denial(webhook: string, status: Partial<Status> = {}): ApiError {
  const denied = `admission webhook "${webhook}" denied the request`;
  const code = status.code !== undefined && status.code >= 400 ? status.code : 400;
  const why = status.message || status.reason;
  return new ApiError({
    ...status,
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: why ? `${denied}: ${why}` : `${denied} without explanation`,
    reason: status.reason ?? (code === 400 ? 'BadRequest' : (STATUS_CODES[code] ?? 'Unknown').replaceAll(' ', '')),
    code,
  });
}
