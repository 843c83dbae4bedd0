import type { Environment } from '@marcbachmann/cel-js';
import { registerAddresses } from './addresses';
import { registerAuthorizer } from './authorizer';
import { registerFormats } from './formats';
import { registerLists } from './lists';
import { registerQuantities } from './quantities';
import { registerTexts } from './texts';
import { registerVersions } from './versions';

/** Adds the functions that Kubernetes has beyond CEL itself. */
export function registerKubernetesFunctions(environment: Environment): Environment {
  registerTexts(environment);
  registerLists(environment);
  registerQuantities(environment);
  registerAddresses(environment);
  registerAuthorizer(environment);
  registerFormats(environment);
  registerVersions(environment);
  return environment;
}
