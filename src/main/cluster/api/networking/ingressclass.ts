import type { IngressClass } from '@shared/k8s';
import { newestClass } from '../default-class';
import { defineKind, type FieldError } from '../kind';
import { ageColumn, text } from '../printing';
import { countedSpec, setDefault } from '../strategy';
import { forbidden, immutableMessage, invalid, notSupported, required, tooLong } from '../validation/field';
import { dnsSubdomain } from '../validation/strings';

const longestController = 250;
const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class';

/** The class of Ingresses that name none: the newest, where several are marked as default. */
export const defaultIngressClassOf = (classes: readonly IngressClass[]): IngressClass | undefined =>
  newestClass(classes.filter(({ metadata }) => metadata.annotations?.[defaultAnnotation] === 'true'));

export const ingressClass = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  singular: 'ingressclass',
  namespaced: false,
  ...countedSpec,
  defaults(object) {
    if (object.spec?.parameters) setDefault(object.spec.parameters, 'scope', 'Cluster');
  },
  validate: validateClass,
  validateUpdate: (object, old) =>
    object.spec?.controller === old.spec?.controller
      ? []
      : [invalid('spec.controller', object.spec?.controller ?? '', immutableMessage)],
  columns: [
    text('Controller', 'The controller that serves the class', (object) => object.spec?.controller ?? ''),
    text('Parameters', 'What the controller reads its settings from', (object) => {
      const parameters = object.spec?.parameters;
      if (!parameters) return '<none>';
      return `${parameters.kind}${parameters.apiGroup === undefined ? '' : `.${parameters.apiGroup}`}/${parameters.name}`;
    }),
    ageColumn,
  ],
});

function validateClass(object: IngressClass): FieldError[] {
  const errors: FieldError[] = [];
  const { controller, parameters } = object.spec ?? {};
  if (controller && controller.length > longestController) errors.push(tooLong('spec.controller', longestController));
  const [domain, ...path] = (controller ?? '').split('/');
  if (!controller) errors.push(required('spec.controller'));
  else if (path.length === 0 || path.join('/') === '' || dnsSubdomain(domain!).length > 0) {
    errors.push(invalid('spec.controller', controller, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  }
  if (!parameters) return errors;
  for (const field of ['kind', 'name'] as const) {
    if (!parameters[field]) errors.push(required(`spec.parameters.${field}`, `${field} is required`));
  }
  const { scope, namespace } = parameters;
  if (scope === 'Namespace' && !namespace) {
    errors.push(required('spec.parameters.namespace', "`parameters.scope` is set to 'Namespace'"));
  } else if (scope === 'Cluster' && namespace) {
    errors.push(forbidden('spec.parameters.namespace', "`parameters.scope` is set to 'Cluster'"));
  } else if (scope !== 'Namespace' && scope !== 'Cluster') {
    errors.push(notSupported('spec.parameters.scope', scope, ['Cluster', 'Namespace']));
  }
  return errors;
}
