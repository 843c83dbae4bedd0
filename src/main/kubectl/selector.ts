import { KubectlError } from './errors';

/** Splits at commas outside parentheses. */
const terms = (selector: string): string[] => selector.split(/,(?![^(]*\))/).map((term) => term.trim());

/**
 * Whether labels satisfy a selector in its text form; everything satisfies ''.
 * @throws KubectlError when a term cannot be read
 */
export function matchesText(selector: string, labels: Record<string, string> | undefined): boolean {
  if (selector.trim() === '') return true;
  return terms(selector).every((term) => {
    const set = /^([\w./-]+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(term);
    if (set) {
      const value = labels?.[set[1]!];
      const among = value !== undefined && set[3]!.split(',').some((item) => item.trim() === value);
      return set[2] === 'in' ? among : !among;
    }
    const pair = /^([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)$/.exec(term);
    if (pair) return (labels?.[pair[1]!] === pair[3]) === (pair[2] !== '!=');
    const exists = /^(!?)\s*([\w./-]+)$/.exec(term);
    if (!exists) throw new KubectlError(`unable to parse requirement: found '${term}'`);
    return (labels?.[exists[2]!] !== undefined) === (exists[1] === '');
  });
}
