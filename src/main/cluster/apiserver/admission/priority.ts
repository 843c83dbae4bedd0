import type { Pod, PriorityClass } from '@shared/k8s';
import { systemPriorities } from '../../api/scheduling/priorityclass';
import type { Store } from '../../store/types';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission';
import { isAbout, refusal } from './attributes';
import { Watched } from './watched';

const preempt = 'PreemptLowerPriority';
const prefix = '/registry/scheduling.k8s.io/priorityclasses/';

/** Gives pods the priority and the preemption policy of their class, or of the default one. */
export function priority(store: Store): AdmissionPlugin {
  const classes = new Watched<PriorityClass>(store, prefix);
  return {
    name: 'Priority',
    close: () => classes.close(),
    admit(attributes) {
      if (!isAbout(attributes, '', 'pods')) return;
      const { operation, object, old } = attributes;
      if (operation === 'CREATE') prioritize(attributes, object as Pod, store, classes);
      else if (operation === 'UPDATE') keep(object as Pod, old as Pod);
    },
    validate(attributes) {
      if (attributes.operation === 'DELETE' || !isAbout(attributes, 'scheduling.k8s.io', 'priorityclasses')) return;
      const object = attributes.object as PriorityClass;
      if (!object.globalDefault) return;
      const other = classes.in().find((one) => one.globalDefault && one.metadata.name !== object.metadata.name);
      if (!other) return;
      throw refusal(
        attributes,
        `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`,
      );
    },
  };
}

type Standing = Pick<PriorityClass, 'value' | 'preemptionPolicy'>;

function prioritize(attributes: AdmissionAttributes, pod: Pod, store: Store, classes: Watched<PriorityClass>): void {
  const spec = pod.spec;
  if (!spec) return;
  let standing: Standing | undefined;
  if (spec.priorityClassName) {
    standing = named(store, spec.priorityClassName);
    if (!standing) throw refusal(attributes, `no PriorityClass with name ${spec.priorityClassName} was found`);
  } else {
    const defaults = classes.in().filter((one) => one.globalDefault);
    const lowest = defaults.reduce<PriorityClass | undefined>((a, b) => (a && a.value <= b.value ? a : b), undefined);
    if (lowest) spec.priorityClassName = lowest.metadata.name;
    standing = lowest ?? { value: 0 };
  }
  const { value, preemptionPolicy = preempt } = standing;
  const computed = (what: string, given: unknown, right: unknown) =>
    refusal(
      attributes,
      `the ${what} (${given}) must not be provided in pod spec; priority admission controller computed ${right} from the given PriorityClass name`,
    );
  if (typeof spec.priority === 'number' && spec.priority !== value) {
    throw computed('integer value of priority', spec.priority, value);
  }
  if (spec.preemptionPolicy && spec.preemptionPolicy !== preemptionPolicy) {
    throw computed('string value of PreemptionPolicy', spec.preemptionPolicy, preemptionPolicy);
  }
  spec.priority = value;
  spec.preemptionPolicy = preemptionPolicy;
}

/** The system's own classes hold even before they are stored. */
function named(store: Store, name: string): Standing | undefined {
  const stored = store.get(prefix + name);
  if (stored) return stored.value as PriorityClass;
  const value = systemPriorities[name];
  return value === undefined ? undefined : { value };
}

/** Whoever sends a pod back without what admission set means no change. */
function keep(pod: Pod, old: Pod): void {
  const { spec } = pod;
  if (!spec || !old.spec || spec.priorityClassName !== old.spec.priorityClassName) return;
  spec.priority ??= old.spec.priority;
  spec.preemptionPolicy ??= old.spec.preemptionPolicy;
}
