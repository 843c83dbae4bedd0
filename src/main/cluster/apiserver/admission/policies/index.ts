import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '@shared/k8s';
import { ApiError } from '../../../api/errors';
import { CelError, celValue } from '../../../api/schema/cel';
import type { Logger } from '../../../log';
import type { Store } from '../../../store/types';
import type { AdmissionAttributes, AdmissionPlugin } from '../../admission';
import type { ResourceRegistry } from '../../resources';
import { refusal } from '../attributes';
import { requestBindings } from '../bindings';
import { meetsConditions } from '../conditions';
import { isExempt, isMeant } from '../matching';
import { Watched } from '../watched';
import { findingsOf, type Finding } from './evaluate';
import { paramsOf } from './params';

const prefix = '/registry/admissionregistration.k8s.io/';
const codes: Record<string, number> = { Unauthorized: 401, Forbidden: 403, RequestEntityTooLarge: 413, Invalid: 422 };

export interface PolicyOptions {
  store: Store;
  log: Logger;
  registry: () => ResourceRegistry;
}

/** Holds requests to ValidatingAdmissionPolicies where they are bound: refuses, warns, or notes in the log. */
export function validatingPolicies({ store, log, registry }: PolicyOptions): AdmissionPlugin {
  const policies = new Watched<ValidatingAdmissionPolicy>(store, `${prefix}validatingadmissionpolicies/`);
  const bindings = new Watched<ValidatingAdmissionPolicyBinding>(store, `${prefix}validatingadmissionpolicybindings/`);

  const judge = (
    attributes: AdmissionAttributes,
    { spec: policy = {} }: ValidatingAdmissionPolicy,
    { spec: binding = {} }: ValidatingAdmissionPolicyBinding,
  ): Finding[] => {
    if (!isMeant(store, attributes, policy.matchConstraints ?? {})) return [];
    if (!isMeant(store, attributes, binding.matchResources ?? {})) return [];
    try {
      const seen = requestBindings(store, attributes);
      return paramsOf(store, registry(), attributes, policy, binding).flatMap((params) => {
        const all = policy.paramKind
          ? Object.defineProperties(Object.create(null), {
              ...Object.getOwnPropertyDescriptors(seen),
              params: { value: celValue(params), enumerable: true },
            })
          : seen;
        const scope = { params: policy.paramKind !== undefined };
        return meetsConditions(policy.matchConditions, all, scope) ? findingsOf(policy, all) : [];
      });
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      return policy.failurePolicy === 'Ignore' ? [] : [{ message: error.message, reason: 'Invalid' }];
    }
  };

  return {
    name: 'ValidatingAdmissionPolicy',
    close() {
      policies.close();
      bindings.close();
    },
    validate(attributes) {
      if (bindings.in().length === 0 || isExempt(attributes) || attributes.subresource === 'binding') return;
      let denied: { message: string; reason: string } | undefined;
      for (const binding of bindings.in()) {
        const policy = policies.in().find(({ metadata }) => metadata.name === binding.spec?.policyName);
        if (!policy) continue;
        const names = `ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}'`;
        const actions = binding.spec?.validationActions ?? [];
        for (const { message, reason } of judge(attributes, policy, binding)) {
          if (actions.includes('Warn')) attributes.warn(`Validation failed for ${names}: ${message}`);
          if (actions.includes('Audit')) log.info(`validation failed for ${names}`, { message, name: attributes.name });
          if (actions.includes('Deny')) denied ??= { message: `${names} denied request: ${message}`, reason };
        }
      }
      if (denied) throw denial(attributes, denied.message, denied.reason);
    },
  };
}

function denial(attributes: AdmissionAttributes, message: string, reason: string): ApiError {
  const { status } = refusal(attributes, message);
  const details = { ...status.details, causes: [{ message }] };
  return new ApiError({ ...status, reason, code: codes[reason] ?? 422, details });
}
