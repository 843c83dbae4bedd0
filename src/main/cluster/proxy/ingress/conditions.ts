import { defineMap, type Output } from './lines';
import type { Condition } from './model';
import { escapeRegex, headerVariable, pattern, UnfitValue } from './quoting';

/** A variable that is `1` where the condition holds and `0` where not. Cases count. @throws UnfitValue */
export function conditionVariable(condition: Condition, output: Output): string {
  const { of, value, regex } = condition;
  const text = regex ? value : escapeRegex(value);
  const wanted = (expression: string, input: string): string =>
    defineMap(output, input, [`${pattern(`~${expression}`)} 1;`, 'default 0;']);
  if (of === 'method') return wanted(`^(?:${text})$`, '$request_method');
  if (of === 'query') {
    // The first parameter of that name counts.
    const name = escapeRegex(encodeURIComponent(condition.name));
    const encoded = regex ? value : escapeRegex(encodeURIComponent(value));
    return wanted(`^(?:(?!${name}=)[^&]*&)*${name}=(?:${encoded})(?:&|$)`, '$args');
  }
  const header = headerVariable(condition.name);
  if (!header) throw new UnfitValue(`a header named ${JSON.stringify(condition.name)} cannot be looked at`);
  return wanted(`^(?:${text})$`, header === 'host' ? '$http_host' : `$http_${header}`);
}
