import type { Pod, RuntimeClass } from '@shared/k8s';
import type { Store } from '../../store/types';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission';
import { cloneJson, jsonEqual } from '../../json';
import { isAbout, refusal } from './attributes';

/** Pods get the overhead and the placement of their runtime class, which must exist. */
export function runtimeClass(store: Store): AdmissionPlugin {
  const classOf = (attributes: AdmissionAttributes): RuntimeClass | undefined => {
    const name = (attributes.object as Pod).spec?.runtimeClassName;
    if (!name) return undefined;
    const found = store.get(`/registry/node.k8s.io/runtimeclasses/${name}`);
    if (!found) throw refusal(attributes, `pod rejected: RuntimeClass "${name}" not found`);
    return found.value as RuntimeClass;
  };
  return {
    name: 'RuntimeClass',
    admit(attributes) {
      if (attributes.operation !== 'CREATE' || !isAbout(attributes, '', 'pods')) return;
      const chosen = classOf(attributes);
      if (!chosen) return;
      setOverhead(attributes, chosen);
      setPlacement(attributes, chosen);
    },
    validate(attributes) {
      if (attributes.operation !== 'CREATE' || !isAbout(attributes, '', 'pods')) return;
      const { overhead } = (attributes.object as Pod).spec!;
      const fixed = classOf(attributes)?.overhead?.podFixed;
      if (fixed && !jsonEqual(overhead, fixed)) throw differs(attributes);
      if (!fixed && overhead && Object.keys(overhead).length > 0) {
        throw refusal(attributes, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
      }
    },
  };
}

const differs = (attributes: AdmissionAttributes) =>
  refusal(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");

function setOverhead(attributes: AdmissionAttributes, { overhead }: RuntimeClass): void {
  const spec = (attributes.object as Pod).spec!;
  const fixed = overhead?.podFixed;
  if (!fixed) return;
  if (spec.overhead && Object.keys(spec.overhead).length > 0 && !jsonEqual(spec.overhead, fixed)) {
    throw differs(attributes);
  }
  spec.overhead = { ...fixed };
}

function setPlacement(attributes: AdmissionAttributes, { scheduling }: RuntimeClass): void {
  const spec = (attributes.object as Pod).spec!;
  for (const [key, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value) {
      throw refusal(
        attributes,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`,
      );
    }
    spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
  }
  const added = (scheduling?.tolerations ?? []).filter(
    (toleration) => !spec.tolerations?.some((own) => jsonEqual(own, toleration)),
  );
  if (added.length > 0) spec.tolerations = [...(spec.tolerations ?? []), ...cloneJson(added)];
}
