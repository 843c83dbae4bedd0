import type { Test } from './classes';
import type { Node, Place } from './parse';

/** A step of a program: what it does, then where it goes on. */
export type Step =
  | { op: 'char'; test: Test }
  | { op: 'assert'; at: Place }
  /** Goes on at both, rather at the first. */
  | { op: 'split'; first: number; second: number }
  | { op: 'jump'; to: number }
  | { op: 'done' };

const mostSteps = 100_000;

/** The steps of an expression; each goes on with the one after it. @throws Error for one that is too large */
export function compile(node: Node): Step[] {
  const steps: Step[] = [];
  const add = (step: Step): Step => {
    if (steps.length >= mostSteps) throw new Error('error parsing regexp: expression too large');
    steps.push(step);
    return step;
  };
  const split = (): Extract<Step, { op: 'split' }> => add({ op: 'split', first: 0, second: 0 }) as never;
  const aim = (step: Extract<Step, { op: 'split' }>, inside: number, outside: number, greedy: boolean) => {
    step.first = greedy ? inside : outside;
    step.second = greedy ? outside : inside;
  };
  const emit = (one: Node): void => {
    switch (one.type) {
      case 'empty':
        return;
      case 'char':
        add({ op: 'char', test: one.test });
        return;
      case 'assert':
        add({ op: 'assert', at: one.at });
        return;
      case 'all':
        return one.nodes.forEach(emit);
      case 'any':
        return emitAny(one.nodes);
      case 'repeat':
        return emitRepeat(one);
    }
  };
  const emitAny = (nodes: readonly Node[]): void => {
    const ends: Extract<Step, { op: 'jump' }>[] = [];
    for (const [index, node] of nodes.entries()) {
      if (index === nodes.length - 1) {
        emit(node);
        break;
      }
      const choice = split();
      const begin = steps.length;
      emit(node);
      ends.push(add({ op: 'jump', to: 0 }) as never);
      aim(choice, begin, steps.length, true);
    }
    for (const end of ends) end.to = steps.length;
  };
  const emitRepeat = ({ node: inner, least, most, greedy }: Extract<Node, { type: 'repeat' }>): void => {
    for (let count = 0; count < least; count++) emit(inner);
    if (most === Infinity) {
      const loop = steps.length;
      const choice = split();
      const begin = steps.length;
      emit(inner);
      add({ op: 'jump', to: loop });
      aim(choice, begin, steps.length, greedy);
      return;
    }
    const choices: [Extract<Step, { op: 'split' }>, number][] = [];
    for (let count = least; count < most; count++) {
      const choice = split();
      choices.push([choice, steps.length]);
      emit(inner);
    }
    for (const [choice, begin] of choices) aim(choice, begin, steps.length, greedy);
  };
  emit(node);
  add({ op: 'done' });
  return steps;
}
