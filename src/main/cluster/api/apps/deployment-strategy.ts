import type { Deployment } from '@shared/k8s';
import type { FieldError } from '../kind';
import { forbidden, invalid, notSupported, required } from '../validation/field';
import { amount, validateIntOrPercent, type IntOrPercent } from '../validation/int-or-percent';

type Spec = NonNullable<Deployment['spec']>;
const path = 'spec.strategy';

/** Faults of how a Deployment replaces pods. */
export function validateStrategy(spec: Spec): FieldError[] {
  const strategy = spec.strategy ?? {};
  const rolling = strategy.rollingUpdate;
  switch (strategy.type) {
    case 'Recreate':
      return rolling
        ? [forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")]
        : [];
    case 'RollingUpdate': {
      if (!rolling) return [required(`${path}.rollingUpdate`, 'this should be defaulted and never be nil')];
      const [unavailable, surge] = [rolling.maxUnavailable as IntOrPercent, rolling.maxSurge as IntOrPercent];
      const at = `${path}.rollingUpdate`;
      const errors = [
        ...validateIntOrPercent(unavailable, `${at}.maxUnavailable`),
        ...validateIntOrPercent(surge, `${at}.maxSurge`),
      ];
      if (amount(unavailable) === 0 && amount(surge) === 0) {
        errors.push(invalid(`${at}.maxUnavailable`, unavailable, 'may not be 0 when `maxSurge` is 0'));
      }
      if (typeof unavailable === 'string' && amount(unavailable) > 100) {
        errors.push(invalid(`${at}.maxUnavailable`, unavailable, 'must not be greater than 100%'));
      }
      return errors;
    }
    default:
      return [notSupported(`${path}.type`, strategy.type ?? '', ['Recreate', 'RollingUpdate'])];
  }
}
