import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '@shared/k8s';
import { ApiError } from '../../../api/errors';
import { CelError, celValue } from '../../../api/schema/cel';
import type { AdmissionAttributes, AdmissionPlugin } from '../../admission';
import { refusal } from '../attributes';
import { requestBindings } from '../bindings';
import { meetsConditions } from '../conditions';
import { isExempt, meantAs, type MatchingContext } from '../matching';
import { Watched } from '../watched';
import { evaluate, type Evaluation } from './evaluate';
import { paramsOf } from './params';

const prefix = '/registry/admissionregistration.k8s.io/';
const codes: Record<string, number> = { Unauthorized: 401, Forbidden: 403, RequestEntityTooLarge: 413, Invalid: 422 };

/** The audit annotation with what was found where a binding says `Audit`. */
const failureAnnotation = 'validation.policy.admission.k8s.io/validation_failure';

/** Holds requests to ValidatingAdmissionPolicies where they are bound: refuses, warns, or notes in the audit log. */
export function validatingPolicies(context: MatchingContext): AdmissionPlugin {
  const { store, registry } = context;
  const policies = new Watched<ValidatingAdmissionPolicy>(store, `${prefix}validatingadmissionpolicies/`);
  const bindings = new Watched<ValidatingAdmissionPolicyBinding>(store, `${prefix}validatingadmissionpolicybindings/`);

  const judge = (
    attributes: AdmissionAttributes,
    { spec: policy = {} }: ValidatingAdmissionPolicy,
    { spec: binding = {} }: ValidatingAdmissionPolicyBinding,
  ): Evaluation[] => {
    const meant = meantAs(context, attributes, policy.matchConstraints ?? {});
    if (!meant || !meantAs(context, attributes, binding.matchResources ?? {})) return [];
    try {
      const seen = requestBindings(context, meant);
      return paramsOf(store, registry(), attributes, policy, binding).flatMap((params) => {
        const all = policy.paramKind
          ? Object.defineProperties(Object.create(null), {
              ...Object.getOwnPropertyDescriptors(seen),
              params: { value: celValue(params), enumerable: true },
            })
          : seen;
        const scope = { params: policy.paramKind !== undefined };
        return meetsConditions(policy.matchConditions, all, scope) ? evaluate(policy, all) : [];
      });
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      if (policy.failurePolicy === 'Ignore') return [];
      return [{ findings: [{ message: error.message, reason: 'Invalid', expressionIndex: 0 }], notes: [] }];
    }
  };

  return {
    name: 'ValidatingAdmissionPolicy',
    close() {
      policies.close();
      bindings.close();
    },
    validate(attributes) {
      if (bindings.in().length === 0 || isExempt(attributes)) return;
      let denied: { message: string; reason: string } | undefined;
      const noted = new Map<string, Set<string>>();
      const failures: object[] = [];
      for (const binding of bindings.in()) {
        const policy = policies.in().find(({ metadata }) => metadata.name === binding.spec?.policyName);
        if (!policy) continue;
        const names = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}'`;
        const actions = binding.spec?.validationActions ?? [];
        for (const { findings, notes } of judge(attributes, policy, binding)) {
          for (const { key, value } of notes) note(noted, `${policy.metadata.name}/${key}`, value);
          for (const { message, reason, expressionIndex } of findings) {
            if (actions.includes('Warn')) attributes.warn(`Validation failed for ${names}: ${message}`);
            if (actions.includes('Audit')) {
              const { name } = policy.metadata;
              const place = { policy: name, binding: binding.metadata.name, expressionIndex };
              failures.push({ message, ...place, validationActions: actions });
            }
            if (actions.includes('Deny')) denied ??= { message: `${names} denied request: ${message}`, reason };
          }
        }
      }
      for (const [key, values] of noted) attributes.annotate(key, [...values].join(', '));
      if (failures.length > 0) attributes.annotate(failureAnnotation, JSON.stringify(failures));
      if (denied) throw denial(attributes, denied.message, denied.reason);
    },
  };
}

function note(noted: Map<string, Set<string>>, key: string, value: string): void {
  const values = noted.get(key) ?? new Set();
  noted.set(key, values.add(value));
}

function denial(attributes: AdmissionAttributes, message: string, reason: string): ApiError {
  const { status } = refusal(attributes, message);
  const details = { ...status.details, causes: [{ message }] };
  return new ApiError({ ...status, reason, code: codes[reason] ?? 422, details });
}
