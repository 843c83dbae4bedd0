import type { Plugin } from '../framework/types';

/** The important first; among equals those that wait longer, which is the queue's own order. */
export const prioritySort: Plugin = {
  name: 'PrioritySort',
  before: (a, b) => (a.priority === b.priority ? undefined : a.priority > b.priority),
};

/** A pod with gates is not looked at until they are taken away. Its condition is set when it is created. */
export const schedulingGates: Plugin = {
  name: 'SchedulingGates',
  preEnqueue({ pod }) {
    const gates = pod.spec?.schedulingGates;
    if (!gates?.length) return undefined;
    return { reasons: [`waiting for scheduling gates: [${gates.map(({ name }) => name).join(' ')}]`] };
  },
};
