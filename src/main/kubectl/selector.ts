import type { LabelSelector } from '@shared/k8s';
import { matchesSelector } from '@shared/selectors';
import { KubectlError } from './errors';

/** Splits at commas outside parentheses. */
const terms = (selector: string): string[] => selector.split(/,(?![^(]*\))/).map((term) => term.trim());

/**
 * A selector in its text form (`app=web,tier in (a,b),!old`) as objects hold it.
 * @throws KubectlError when a term cannot be read
 */
export function parseSelectorText(selector: string): LabelSelector {
  const matchLabels: Record<string, string> = {};
  const matchExpressions: NonNullable<LabelSelector['matchExpressions']> = [];
  for (const term of selector.trim() === '' ? [] : terms(selector)) {
    const set = /^([\w./-]+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(term);
    const pair = /^([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)$/.exec(term);
    const exists = /^(!?)\s*([\w./-]+)$/.exec(term);
    if (set) {
      const values = set[3]!.split(',').map((value) => value.trim());
      matchExpressions.push({ key: set[1]!, operator: set[2] === 'in' ? 'In' : 'NotIn', values });
    } else if (pair?.[2] === '!=') matchExpressions.push({ key: pair[1]!, operator: 'NotIn', values: [pair[3]!] });
    else if (pair && matchLabels[pair[1]!] === undefined) matchLabels[pair[1]!] = pair[3]!;
    else if (pair) matchExpressions.push({ key: pair[1]!, operator: 'In', values: [pair[3]!] });
    else if (exists) matchExpressions.push({ key: exists[2]!, operator: exists[1] ? 'DoesNotExist' : 'Exists' });
    else throw new KubectlError(`unable to parse requirement: found '${term}'`);
  }
  return {
    ...(Object.keys(matchLabels).length > 0 ? { matchLabels } : {}),
    ...(matchExpressions.length > 0 ? { matchExpressions } : {}),
  };
}

/**
 * Whether labels satisfy a selector in its text form; everything satisfies ''.
 * @throws KubectlError when a term cannot be read
 */
export const matchesText = (selector: string, labels: Record<string, string> | undefined): boolean =>
  matchesSelector(parseSelectorText(selector), labels ?? {});
