import type { KubeObject, LabelSelector, MutatingWebhookConfiguration } from '@shared/k8s';
import type { FieldError, KindDefinition } from '../kind';
import { ageColumn, integer } from '../printing';
import { setDefault } from '../strategy';
import { differences } from '../validation/differences';
import { duplicate, invalid, invalidEach, notSupported, oneOf, required } from '../validation/field';
import { validateLabelSelector } from '../validation/meta';
import { dnsSubdomain } from '../validation/strings';
import { validateConditions } from './expressions';

/** What both kinds of webhook configurations, and admission policies, have in common. */

type Webhook = NonNullable<MutatingWebhookConfiguration['webhooks']>[number];
type Rule = NonNullable<Webhook['rules']>[number];

export const admissionGroup = 'admissionregistration.k8s.io';
const longestTimeout = 30;

interface Matching {
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  matchPolicy?: string;
}

/** Sets how requests are matched where that is left open. */
export function defaultMatching(matching: Matching, rules: Pick<Rule, 'scope'>[] | undefined): void {
  setDefault(matching, 'matchPolicy', 'Equivalent');
  setDefault(matching, 'namespaceSelector', {});
  setDefault(matching, 'objectSelector', {});
  for (const rule of rules ?? []) setDefault(rule, 'scope', '*');
}

/** Faults of rules that say which requests are meant. */
export function validateRules(rules: Rule[] | undefined, path: string): FieldError[] {
  return (rules ?? []).flatMap((rule, index) => {
    const at = `${path}[${index}]`;
    const errors = (['operations', 'apiGroups', 'apiVersions', 'resources'] as const)
      .filter((field) => !rule[field]?.length)
      .map((field) => required(`${at}.${field}`));
    const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
    for (const [position, operation] of (rule.operations ?? []).entries()) {
      if (!operations.includes(operation)) {
        errors.push(notSupported(`${at}.operations[${position}]`, operation, operations));
      }
    }
    if (rule.scope) errors.push(...oneOf(`${at}.scope`, rule.scope, ['*', 'Cluster', 'Namespaced']));
    return errors;
  });
}

/** What a kind of webhook configuration is, but for its names. */
export function webhookConfiguration(options: {
  mutating: boolean;
}): Pick<
  KindDefinition,
  | 'group'
  | 'version'
  | 'namespaced'
  | 'categories'
  | 'columns'
  | 'defaults'
  | 'prepareForCreate'
  | 'prepareForUpdate'
  | 'validate'
> {
  return {
    group: admissionGroup,
    version: 'v1',
    namespaced: false,
    categories: ['api-extensions'],
    defaults(object: MutatingWebhookConfiguration) {
      for (const webhook of object.webhooks ?? []) defaultWebhook(webhook, options.mutating);
    },
    prepareForCreate(object) {
      object.metadata.generation = 1;
    },
    prepareForUpdate(object, old) {
      const changed = differences(old.webhooks, object.webhooks, '').length > 0;
      object.metadata.generation = (old.metadata?.generation ?? 1) + (changed ? 1 : 0);
    },
    validate: (object: MutatingWebhookConfiguration) => validateWebhooks(object.webhooks ?? [], options.mutating),
    columns: [
      integer<KubeObject>('Webhooks', 'How many webhooks it has', (object) => object['webhooks']?.length ?? 0),
      ageColumn,
    ],
  };
}

function defaultWebhook(webhook: Webhook, mutating: boolean): void {
  setDefault(webhook, 'failurePolicy', 'Fail');
  setDefault(webhook, 'timeoutSeconds', 10);
  if (mutating) setDefault(webhook, 'reinvocationPolicy', 'Never');
  defaultMatching(webhook, webhook.rules);
  if (webhook.clientConfig?.service) setDefault(webhook.clientConfig.service, 'port', 443);
}

function validateWebhooks(webhooks: Webhook[], mutating: boolean): FieldError[] {
  const names = new Set<string>();
  return webhooks.flatMap((webhook, index) => {
    const path = `webhooks[${index}]`;
    const errors = validateName(webhook.name, `${path}.name`);
    if (names.has(webhook.name)) errors.push(duplicate(`${path}.name`, webhook.name));
    names.add(webhook.name);
    errors.push(
      ...validateRules(webhook.rules, `${path}.rules`),
      ...oneOf(`${path}.failurePolicy`, webhook.failurePolicy, ['Fail', 'Ignore']),
      ...oneOf(`${path}.matchPolicy`, webhook.matchPolicy, ['Equivalent', 'Exact']),
      ...oneOf(`${path}.sideEffects`, webhook.sideEffects, ['None', 'NoneOnDryRun']),
      ...validateLabelSelector(webhook.namespaceSelector, `${path}.namespaceSelector`),
      ...validateLabelSelector(webhook.objectSelector, `${path}.objectSelector`),
      ...validateConditions(`${path}.matchConditions`, webhook.matchConditions),
      ...validateClient(webhook.clientConfig, `${path}.clientConfig`),
    );
    if (mutating) {
      errors.push(...oneOf(`${path}.reinvocationPolicy`, webhook.reinvocationPolicy, ['IfNeeded', 'Never']));
    }
    const seconds = webhook.timeoutSeconds;
    if (seconds !== undefined && (seconds < 1 || seconds > longestTimeout)) {
      errors.push(
        invalid(`${path}.timeoutSeconds`, seconds, `the timeout value must be between 1 and ${longestTimeout} seconds`),
      );
    }
    const versions = webhook.admissionReviewVersions ?? [];
    const at = `${path}.admissionReviewVersions`;
    if (versions.length === 0) errors.push(required(at, 'must specify one of v1, v1beta1'));
    else if (!versions.some((version) => version === 'v1' || version === 'v1beta1')) {
      errors.push(invalid(at, versions, 'must include at least one of v1, v1beta1'));
    }
    return errors;
  });
}

function validateName(name: string | undefined, path: string): FieldError[] {
  if (!name) return [required(path)];
  const messages = dnsSubdomain(name);
  if (messages.length > 0) return invalidEach(path, name, messages);
  return name.split('.').length < 3
    ? [invalid(path, name, 'should be a domain with at least three segments separated by dots')]
    : [];
}

function validateClient(client: Webhook['clientConfig'] | undefined, path: string): FieldError[] {
  const { url, service } = client ?? {};
  if (Boolean(url) === Boolean(service)) return [required(path, 'exactly one of url or service is required')];
  if (service) {
    const errors = (['name', 'namespace'] as const)
      .filter((field) => !service[field])
      .map((field) => required(`${path}.service.${field}`, `service ${field} is required`));
    if (service.path !== undefined && !service.path.startsWith('/')) {
      errors.push(invalid(`${path}.service.path`, service.path, "must start with a '/'"));
    }
    return errors;
  }
  if (!URL.canParse(url!)) {
    return [required(`${path}.url`, 'url must be a valid URL: desired format: https://host[/path]')];
  }
  const { protocol } = new URL(url!);
  return protocol === 'https:'
    ? []
    : [
        invalid(
          `${path}.url`,
          protocol.slice(0, -1),
          "'https' is the only allowed URL scheme; desired format: https://host[/path]",
        ),
      ];
}
