import type {
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from '../k8s';
import { status } from './helpers';
import { defineKindView, type ColumnDefinition } from './types';

const group = 'admissionregistration.k8s.io';
const version = 'v1';
type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration;
type Webhook = NonNullable<Configuration['webhooks']>[number];

/** Where a webhook is asked: `namespace/service`, or its URL. */
export function webhookAddress({ clientConfig: { service, url } = {} }: Webhook): string {
  return service ? `${service.namespace}/${service.name}${service.path ?? ''}` : (url ?? '');
}

const webhookColumns: ColumnDefinition<Configuration>[] = [
  { id: 'webhooks', renderer: 'number', width: 100, align: 'end', value: (object) => object.webhooks?.length ?? 0 },
  { id: 'services', renderer: 'list', width: 320, value: (object) => (object.webhooks ?? []).map(webhookAddress) },
  {
    id: 'onFailure',
    renderer: 'list',
    width: 120,
    value: ({ webhooks = [] }) => [...new Set(webhooks.map(({ failurePolicy }) => failurePolicy ?? 'Fail'))],
  },
];

export const mutatingWebhookConfigurations = defineKindView<MutatingWebhookConfiguration>({
  id: 'mutatingwebhookconfigurations',
  group,
  version,
  plural: 'mutatingwebhookconfigurations',
  kind: 'MutatingWebhookConfiguration',
  namespaced: false,
  section: 'config',
  order: 80,
  icon: 'Puzzle',
  columns: webhookColumns,
  capabilities: {},
});

export const validatingWebhookConfigurations = defineKindView<ValidatingWebhookConfiguration>({
  id: 'validatingwebhookconfigurations',
  group,
  version,
  plural: 'validatingwebhookconfigurations',
  kind: 'ValidatingWebhookConfiguration',
  namespaced: false,
  section: 'config',
  order: 81,
  icon: 'Puzzle',
  columns: webhookColumns,
  capabilities: {},
});

export const validatingAdmissionPolicies = defineKindView<ValidatingAdmissionPolicy>({
  id: 'validatingadmissionpolicies',
  group,
  version,
  plural: 'validatingadmissionpolicies',
  kind: 'ValidatingAdmissionPolicy',
  namespaced: false,
  section: 'config',
  order: 82,
  icon: 'ShieldCheck',
  columns: [
    {
      id: 'validations',
      renderer: 'number',
      width: 110,
      align: 'end',
      value: (object) => object.spec?.validations?.length ?? 0,
    },
    {
      id: 'resources',
      renderer: 'list',
      width: 280,
      value: ({ spec }) => [
        ...new Set((spec?.matchConstraints?.resourceRules ?? []).flatMap(({ resources }) => resources ?? [])),
      ],
    },
    { id: 'onFailure', renderer: 'text', width: 120, value: (object) => object.spec?.failurePolicy ?? 'Fail' },
    { id: 'parameters', renderer: 'text', width: 160, value: (object) => object.spec?.paramKind?.kind ?? null },
  ],
  status(object) {
    const [warning] = object.status?.typeChecking?.expressionWarnings ?? [];
    if (warning) return status('Has warnings', 'warn', `${warning.fieldRef}: ${warning.warning}`);
    return object.status?.observedGeneration ? status('Checked', 'ok') : status('Not checked', 'neutral');
  },
  capabilities: {},
  template: `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: few-replicas
spec:
  matchConstraints:
    resourceRules:
      - apiGroups: [apps]
        apiVersions: [v1]
        operations: [CREATE, UPDATE]
        resources: [deployments]
  validations:
    - expression: object.spec.replicas <= 5
      message: at most 5 replicas
`,
});

export const validatingAdmissionPolicyBindings = defineKindView<ValidatingAdmissionPolicyBinding>({
  id: 'validatingadmissionpolicybindings',
  group,
  version,
  plural: 'validatingadmissionpolicybindings',
  kind: 'ValidatingAdmissionPolicyBinding',
  namespaced: false,
  section: 'config',
  order: 83,
  icon: 'UserCheck',
  columns: [
    { id: 'policy', renderer: 'text', width: 240, value: (object) => object.spec?.policyName ?? null },
    { id: 'actions', renderer: 'list', width: 160, value: (object) => object.spec?.validationActions ?? [] },
    { id: 'parameters', renderer: 'text', width: 160, value: (object) => object.spec?.paramRef?.name ?? null },
  ],
  capabilities: {},
  template: `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: few-replicas
spec:
  policyName: few-replicas
  validationActions: [Deny]
`,
});
