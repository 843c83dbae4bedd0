import type { ObjectMeta, PodSpec } from '@shared/k8s';

/** What the Pod Security Standards look at. */
export interface Subject {
  metadata?: Partial<ObjectMeta>;
  spec: PodSpec;
  /** All of them: those that initialise, those that run, those that debug. */
  containers: readonly SecuredContainer[];
  /** The minor version of the standard; Infinity for the latest. */
  minor: number;
}

export type SecuredContainer = Pick<
  PodSpec['containers'][number],
  'name' | 'securityContext' | 'ports' | 'livenessProbe' | 'readinessProbe' | 'startupProbe' | 'lifecycle'
>;

/** What is wrong, in a word and in detail. */
export interface Violation {
  reason: string;
  detail: string;
}

/** One control of the standards. */
export interface Check {
  /** Those of a level are reported in the order of their names. */
  id: string;
  /** The control of the lower level that it takes the place of. */
  overrides?: string;
  find(subject: Subject): Violation | undefined;
}

export const quoted = (values: Iterable<string>): string =>
  [...values].map((value) => JSON.stringify(value)).join(', ');

/** `container "a"`, `containers "a", "b"`. */
export const named = (word: string, names: readonly string[]): string =>
  `${word}${names.length === 1 ? '' : 's'} ${quoted(names)}`;

/** Who set what must not be: the pod, containers, or both. Undefined when nobody did. */
export function setters(pod: boolean, containers: readonly string[]): string | undefined {
  const parts = [...(pod ? ['pod'] : []), ...(containers.length > 0 ? [named('container', containers)] : [])];
  return parts.length > 0 ? parts.join(' and ') : undefined;
}

/** The names of the containers for which something holds. */
export const namesOf = ({ containers }: Subject, holds: (container: SecuredContainer) => boolean): string[] =>
  containers.filter(holds).map(({ name }) => name);

/** Every value once, in order. */
export const distinct = (values: Iterable<string>): string[] => [...new Set(values)].sort();
