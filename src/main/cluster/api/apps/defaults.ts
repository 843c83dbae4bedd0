import type { PodTemplateSpec } from '@shared/k8s';
import { defaultPodSpec } from '../pod/defaults';

/** Defaults of the pods that a workload makes. */
export function defaultTemplate(template: PodTemplateSpec | undefined): void {
  if (template?.spec) defaultPodSpec(template.spec, { own: false });
}
