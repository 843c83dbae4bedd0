import type { APIService } from '@shared/k8s';
import { findCondition, setCondition } from '../../conditions';
import { defineKind, type FieldError } from '../kind';
import { ageColumn, text } from '../printing';
import { keepAllButStatus, keepStatus, setDefault } from '../strategy';
import { invalid, invalidEach, notSupported, required } from '../validation/field';
import { dns1035Label, dnsSubdomain, portNumber } from '../validation/strings';

export const registrationGroup = 'apiregistration.k8s.io';

/** Marks an APIService that the server made of what it serves itself. */
export const managedLabel = 'kube-aggregator.kubernetes.io/automanaged';

/** What is said of an API that the server answers itself. */
export const localCondition = {
  type: 'Available',
  status: 'True',
  reason: 'Local',
  message: 'Local APIServices are always available',
};

/** APIService: who serves a version of a group, the server itself or another one behind a Service (see apiserver/aggregation). */
export const apiService = defineKind<APIService>({
  group: registrationGroup,
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  singular: 'apiservice',
  categories: ['api-extensions'],
  namespaced: false,
  nameRule: 'path',
  status: true,
  defaults(object) {
    if (object.spec?.service) setDefault(object.spec.service, 'port', 443);
  },
  prepareForCreate(object, { clock }) {
    object.status = object.spec?.service
      ? {}
      : { conditions: setCondition<Condition>(undefined, localCondition, clock.now()) };
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepAllButStatus,
  validate,
  warnings: ({ metadata, spec }) =>
    metadata.labels?.[managedLabel] !== undefined && spec?.service
      ? [`the API server keeps what is labelled ${managedLabel}: ${metadata.name} does not stay with a service`]
      : [],
  columns: [
    text('Service', 'The reference to the service that hosts this API endpoint.', ({ spec }) =>
      spec?.service ? `${spec.service.namespace}/${spec.service.name}` : 'Local',
    ),
    text('Available', 'Whether this service is available.', (object) => {
      const { status = 'Unknown', reason } = findCondition(object.status?.conditions, 'Available') ?? {};
      return status === 'True' || !reason ? status : `${status} (${reason})`;
    }),
    ageColumn,
  ],
});

type Condition = NonNullable<NonNullable<APIService['status']>['conditions']>[number];

function validate(object: APIService): FieldError[] {
  const spec = object.spec ?? { groupPriorityMinimum: 0, versionPriority: 0 };
  const { group = '', version = '', groupPriorityMinimum, versionPriority, service, caBundle } = spec;
  const errors: FieldError[] = [];
  const name = `${version}.${group}`;
  if (object.metadata.name !== name) {
    const detail = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`;
    errors.push(invalid('metadata.name', object.metadata.name, detail));
  }
  if (group) errors.push(...invalidEach('spec.group', group, dnsSubdomain(group)));
  else if (version !== 'v1') {
    errors.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'));
  }
  errors.push(...invalidEach('spec.version', version, dns1035Label(version)));
  if (!(groupPriorityMinimum > 0 && groupPriorityMinimum <= 20_000)) {
    const detail = 'must be positive and less than 20000';
    errors.push(invalid('spec.groupPriorityMinimum', groupPriorityMinimum ?? 0, detail));
  }
  if (!(versionPriority > 0 && versionPriority <= 1000)) {
    errors.push(invalid('spec.versionPriority', versionPriority ?? 0, 'must be positive and less than 1000'));
  }
  for (const [index, { status }] of (object.status?.conditions ?? []).entries()) {
    const known = ['False', 'True', 'Unknown'];
    if (!known.includes(status)) errors.push(notSupported(`status.conditions[${index}].status`, status, known));
  }
  const insecure = spec.insecureSkipTLSVerify ?? false;
  const insecurePath = 'spec.insecureSkipTLSVerify';
  if (!service) {
    if (caBundle) {
      const size = `${Buffer.from(caBundle, 'base64').length} bytes`;
      errors.push(invalid('spec.caBundle', size, 'local APIServices may not have a caBundle'));
    }
    if (insecure) errors.push(invalid(insecurePath, true, 'local APIServices may not have insecureSkipTLSVerify'));
    return errors;
  }
  if (!service.namespace) errors.push(required('spec.service.namespace'));
  if (!service.name) errors.push(required('spec.service.name'));
  const wrong = portNumber(service.port ?? 0);
  if (wrong.length > 0) {
    errors.push(invalid('spec.service.port', service.port, `port is not valid: ${wrong.join(', ')}`));
  }
  if (insecure && caBundle) errors.push(invalid(insecurePath, true, 'may not be true if caBundle is present'));
  return errors;
}
