import type { KubeObject, MutatingWebhookConfiguration } from '@shared/k8s';
import { ApiError, forbidden } from '../../../api/errors';
import { CelError } from '../../../api/schema/cel';
import type { ApiSchema } from '../../../api/schema/types';
import type { Logger } from '../../../log';
import type { Store } from '../../../store/types';
import type { Admission, AdmissionAttributes, AdmissionPlugin } from '../../admission';
import { checkStructure } from '../../decode';
import { internalError } from '../../errors';
import { cloneObject, jsonEqual } from '../../json';
import { applyJsonPatch } from '../../json-patch';
import { requestBindings } from '../bindings';
import { meetsConditions } from '../conditions';
import { isExempt, isMeant } from '../matching';
import { reviewRequest } from '../review';
import { Watched } from '../watched';
import type { Webhook, WebhookCaller } from './call';
import { denial, readVerdict, type Verdict } from './verdict';

export interface WebhookOptions {
  store: Store;
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
    const again: { webhook: Webhook; left: KubeObject }[] = [];
    for (const webhook of configurations.in().flatMap((one) => one.webhooks ?? [])) {
      if (!isWanted(options, attributes, webhook)) continue;
      await mutate(options, attributes, webhook);
      const { object } = attributes;
      if (object && webhook.reinvocationPolicy === 'IfNeeded') again.push({ webhook, left: cloneObject(object) });
    }
    if (attributes.object !== before) await earlier.admit(attributes);
    for (const { webhook, left } of again) {
      if (jsonEqual(left, attributes.object) || !isWanted(options, attributes, webhook)) continue;
      await mutate(options, attributes, webhook);
    }
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
    const webhooks = configurations
      .in()
      .flatMap((one) => one.webhooks ?? [])
      .filter((webhook) => isWanted(options, attributes, webhook));
    const verdicts = await Promise.allSettled(webhooks.map((webhook) => judge(options, attributes, webhook, false)));
    const failed = verdicts.find((verdict) => verdict.status === 'rejected');
    if (failed) throw failed.reason;
  };
  return {
    name: 'ValidatingAdmissionWebhook',
    close: () => configurations.close(),
    validate: (attributes) => (isUntouched(configurations, attributes) ? undefined : askAll(attributes)),
  };
}

/** Whether no webhook can be meant, which must cost next to nothing to find out. */
const isUntouched = (configurations: Watched<MutatingWebhookConfiguration>, attributes: AdmissionAttributes): boolean =>
  configurations.in().length === 0 || isExempt(attributes) || attributes.subresource === 'binding';

/** Whether a webhook is to be asked. @throws ApiError 403 when that cannot be told and it fails closed */
function isWanted({ store, log }: WebhookOptions, attributes: AdmissionAttributes, webhook: Webhook): boolean {
  if (!isMeant(store, attributes, webhook)) return false;
  if (!webhook.matchConditions?.length) return true;
  try {
    return meetsConditions(webhook.matchConditions, requestBindings(store, attributes));
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    log.warn('match conditions of a webhook cannot be evaluated', { webhook: webhook.name, error: error.message });
    if (webhook.failurePolicy === 'Ignore') return false;
    throw forbidden(attributes.resource.definition, attributes.name ?? '', error.message);
  }
}

/** A webhook's verdict; undefined when it failed and that is to be ignored. @throws ApiError when it refuses */
async function judge(
  { log, caller }: WebhookOptions,
  attributes: AdmissionAttributes,
  webhook: Webhook,
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
    return failure(log, webhook, error as Error);
  }
  for (const warning of verdict.warnings) attributes.warn(warning);
  if (!verdict.allowed) throw denial(webhook.name, verdict.status);
  return verdict;
}

function failure(log: Logger, webhook: Webhook, error: Error): undefined {
  const message = `failed calling webhook "${webhook.name}": ${error.message}`;
  log.warn(message, { failurePolicy: webhook.failurePolicy });
  if (webhook.failurePolicy !== 'Ignore') throw internalError(new Error(message));
}

/** Asks a webhook and puts what it makes of the object in its place. */
async function mutate(options: WebhookOptions, attributes: AdmissionAttributes, webhook: Webhook): Promise<void> {
  const verdict = await judge(options, attributes, webhook, true);
  if (verdict?.patch === undefined) return;
  const before = attributes.object;
  if (!before) {
    throw internalError(
      new Error(
        `admission webhook "${webhook.name}" attempted to modify the object, which is not supported for this operation`,
      ),
    );
  }
  const { definition } = attributes.resource;
  try {
    const patched = applyJsonPatch(cloneObject(before), verdict.patch) as typeof before;
    const object = checkStructure(patched, 'Ignore', options.schema, [], [], (problem) => {
      throw new Error(problem);
    });
    // Whose object it is, is not for a webhook to say.
    const metadata = (object.metadata ??= {}) as Record<string, unknown>;
    for (const field of identity) {
      if (before.metadata![field] === undefined) delete metadata[field];
      else metadata[field] = before.metadata![field];
    }
    definition.defaults?.(object);
    if (!jsonEqual(object, before)) attributes.object = object;
  } catch (error) {
    if (error instanceof ApiError && error.code === 413) throw error;
    failure(options.log, webhook, error as Error);
  }
}
