import type { KubeObject, MutatingWebhookConfiguration, ObjectMeta } from '@shared/k8s';
import { ApiError, forbidden } from '../../../api/errors';
import { CelError } from '../../../api/schema/cel';
import type { ApiSchema } from '../../../api/schema/types';
import type { Logger } from '../../../log';
import type { Admission, AdmissionAttributes, AdmissionPlugin } from '../../admission';
import { checkStructure } from '../../decode';
import { internalError } from '../../errors';
import { jsonEqual } from '../../../json';
import { cloneObject } from '../../json';
import { applyJsonPatch } from '../../json-patch';
import { requestBindings } from '../bindings';
import { meetsConditions } from '../conditions';
import { converted, isExempt, meantAs, type MatchingContext } from '../matching';
import { reviewRequest } from '../review';
import { Watched } from '../watched';
import type { Webhook, WebhookCaller } from './call';
import { denial, readVerdict, type Verdict } from './verdict';

export interface WebhookOptions extends MatchingContext {
  schema: ApiSchema;
  log: Logger;
  caller: WebhookCaller;
}

/** What of an object's metadata is the server's own. */
const identity = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
] as const;
const prefix = '/registry/admissionregistration.k8s.io/';

/**
 * Lets MutatingWebhookConfigurations change what comes in, one webhook after the other.
 * @param earlier the plugins before it: what a webhook adds goes through them as well
 */
export function mutatingWebhooks(options: WebhookOptions, earlier: Admission): AdmissionPlugin {
  const configurations = new Watched<MutatingWebhookConfiguration>(
    options.store,
    `${prefix}mutatingwebhookconfigurations/`,
  );
  const ask = async (attributes: AdmissionAttributes) => {
    const before = attributes.object;
    const again: { called: Called; left: KubeObject }[] = [];
    const askOne = async (called: Called, round: number) => {
      const { webhook, configuration, index } = called;
      const seen = wantedAs(options, attributes, webhook);
      if (!seen) return;
      const mutated = await mutate(options, attributes, seen, { ...called, round });
      const note = JSON.stringify({ configuration, webhook: webhook.name, mutated });
      attributes.annotate(`mutation.webhook.admission.k8s.io/round_${round}_index_${index}`, note);
      const { object } = attributes;
      if (object && round === 0 && webhook.reinvocationPolicy === 'IfNeeded')
        again.push({ called, left: cloneObject(object) });
    };
    for (const called of inOrder(configurations)) await askOne(called, 0);
    if (attributes.object !== before) await earlier.admit(attributes);
    for (const { called, left } of again) if (!jsonEqual(left, attributes.object)) await askOne(called, 1);
  };
  return {
    name: 'MutatingAdmissionWebhook',
    close: () => configurations.close(),
    admit: (attributes) => (isUntouched(configurations, attributes) ? undefined : ask(attributes)),
  };
}

/** Asks ValidatingWebhookConfigurations, all at the same time. */
export function validatingWebhooks(options: WebhookOptions): AdmissionPlugin {
  const configurations = new Watched<MutatingWebhookConfiguration>(
    options.store,
    `${prefix}validatingwebhookconfigurations/`,
  );
  const askAll = async (attributes: AdmissionAttributes) => {
    const asked = inOrder(configurations).flatMap((called) => {
      const seen = wantedAs(options, attributes, called.webhook);
      return seen ? [{ called, seen }] : [];
    });
    const verdicts = await Promise.allSettled(asked.map(({ called, seen }) => judge(options, seen, called, false)));
    const failed = verdicts.find((verdict) => verdict.status === 'rejected');
    if (failed) throw failed.reason;
  };
  return {
    name: 'ValidatingAdmissionWebhook',
    close: () => configurations.close(),
    validate: (attributes) => (isUntouched(configurations, attributes) ? undefined : askAll(attributes)),
  };
}

/** A webhook with its place among all that may be called. */
interface Called {
  webhook: Webhook;
  configuration: string;
  index: number;
  /** 1 for those that are asked again. */
  round?: number;
}

function inOrder(configurations: Watched<MutatingWebhookConfiguration>): Called[] {
  const all = configurations
    .in()
    .flatMap(({ metadata, webhooks = [] }) => webhooks.map((webhook) => ({ webhook, configuration: metadata.name })));
  return all.map((one, index) => ({ ...one, index }));
}

/** Whether no webhook can be meant, which must cost next to nothing to find out. */
const isUntouched = (configurations: Watched<MutatingWebhookConfiguration>, attributes: AdmissionAttributes): boolean =>
  configurations.in().length === 0 || isExempt(attributes);

/** The request as a webhook is to be asked about it, if it is. @throws ApiError 403 when that cannot be told and it fails closed */
function wantedAs(
  options: WebhookOptions,
  attributes: AdmissionAttributes,
  webhook: Webhook,
): AdmissionAttributes | undefined {
  const seen = meantAs(options, attributes, webhook);
  if (!seen || !webhook.matchConditions?.length) return seen;
  try {
    return meetsConditions(webhook.matchConditions, requestBindings(options, seen)) ? seen : undefined;
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    const why = { webhook: webhook.name, error: error.message };
    options.log.warn('match conditions of a webhook cannot be evaluated', why);
    if (webhook.failurePolicy === 'Ignore') return undefined;
    throw forbidden(attributes.resource.definition, attributes.name ?? '', error.message);
  }
}

/** A webhook's verdict; undefined when it failed and that is to be ignored. @throws ApiError when it refuses */
async function judge(
  { log, caller }: WebhookOptions,
  attributes: AdmissionAttributes,
  { webhook, index, round = 0 }: Called,
  mutating: boolean,
): Promise<Verdict | undefined> {
  const version = webhook.admissionReviewVersions.find((one) => one === 'v1' || one === 'v1beta1') ?? 'v1';
  const apiVersion = `admission.k8s.io/${version}`;
  const request = reviewRequest(attributes);
  const { object = null, old: oldObject = null } = attributes;
  const review = { kind: 'AdmissionReview', apiVersion, request: { ...request, object, oldObject } };
  let verdict: Verdict;
  try {
    verdict = readVerdict(await caller.post(webhook, review), { apiVersion, uid: request.uid }, mutating);
  } catch (error) {
    failure(log, webhook, error as Error);
    const kind = mutating ? 'mutation' : 'validating';
    attributes.annotate(`failed-open.${kind}.webhook.admission.k8s.io/round_${round}_index_${index}`, webhook.name);
    return undefined;
  }
  for (const [key, value] of Object.entries(verdict.auditAnnotations)) {
    attributes.annotate(`${webhook.name}/${key}`, value);
  }
  for (const warning of verdict.warnings) attributes.warn(warning);
  if (!verdict.allowed) throw denial(webhook.name, verdict.status);
  return verdict;
}

/** @throws ApiError 500 unless the webhook fails open */
function failure(log: Logger, webhook: Webhook, error: Error): void {
  const message = `failed calling webhook "${webhook.name}": ${error.message}`;
  log.warn(message, { failurePolicy: webhook.failurePolicy });
  if (webhook.failurePolicy !== 'Ignore') throw internalError(new Error(message));
}

/**
 * Asks a webhook and puts what it makes of the object in its place.
 * @param seen the request as the webhook sees it
 */
async function mutate(
  options: WebhookOptions,
  attributes: AdmissionAttributes,
  seen: AdmissionAttributes,
  called: Called,
): Promise<boolean> {
  const { webhook } = called;
  const verdict = await judge(options, seen, called, true);
  if (verdict?.patch === undefined) return false;
  const { object: before } = attributes;
  if (!before || !seen.object) {
    throw internalError(
      new Error(
        `admission webhook "${webhook.name}" attempted to modify the object, which is not supported for this operation`,
      ),
    );
  }
  try {
    const patched = applyJsonPatch(cloneObject(seen.object), verdict.patch) as typeof before;
    const checked = checkStructure(patched, 'Ignore', options.schema, [], [], (problem) => {
      throw new Error(problem);
    });
    const object = converted(checked, seen.resource, attributes.resource);
    if (before.metadata) keepIdentity(object, before.metadata);
    if (!attributes.kind) attributes.resource.definition.defaults?.(object);
    if (jsonEqual(object, before)) return false;
    attributes.object = object;
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.code === 413) throw error;
    failure(options.log, webhook, error as Error);
    return false;
  }
}

/** Whose object it is, is not for a webhook to say. */
function keepIdentity(object: KubeObject, before: ObjectMeta): void {
  const metadata = (object.metadata ??= {}) as Record<string, unknown>;
  for (const field of identity) {
    if (before[field] === undefined) delete metadata[field];
    else metadata[field] = before[field];
  }
}
