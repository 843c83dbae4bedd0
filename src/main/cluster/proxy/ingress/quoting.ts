/**
 * How text of API objects gets into nginx' configuration. Everything goes through
 * here: a value is one quoted token, whatever it holds.
 */

/** nginx reads its configuration in pieces of 4096 bytes, and a token must fit in one. */
const longestToken = 3500;
// eslint-disable-next-line no-control-regex
const controls = /[\u0000-\u001f\u007f]/;

/** A value that cannot be written down; its message is for the owner of the object. */
export class UnfitValue extends Error {
  override name = 'UnfitValue';
}

/** A regular expression as one token: `$` keeps its meaning. @throws UnfitValue */
export function pattern(text: string): string {
  if (controls.test(text)) throw new UnfitValue(`${JSON.stringify(text)} holds control characters`);
  if (Buffer.byteLength(text) > longestToken) throw new UnfitValue(`a value of ${text.length} characters is too long`);
  return `"${text.replace(/["\\]/g, (char) => `\\${char}`)}"`;
}

/** Text as one token, in which no variable is filled in. Needs `dollar` below in the configuration. @throws UnfitValue */
export function literal(text: string): string {
  return pattern(text).replaceAll('$', '${gantry_dollar}');
}

/** Like `literal`, but `$1` to `$9` stand for groups of a regular expression. @throws UnfitValue */
export function replacement(text: string): string {
  return pattern(text).replace(/\$(?![1-9])/g, '$${gantry_dollar}');
}

/** The directive that `literal` relies on: nginx has no way to escape the sign. */
export const dollar = 'geo $gantry_dollar { default "$"; }';

/** The regular expression that matches just this text. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/#-]/g, (char) => (char === '/' || char === '-' ? char : `\\${char}`));
}

/** A header's name as part of nginx' variables, e.g. `x_user` for `X-User`; undefined when nginx cannot name it. */
export function headerVariable(name: string): string | undefined {
  return /^[A-Za-z0-9-]{1,200}$/.test(name) ? name.toLowerCase().replaceAll('-', '_') : undefined;
}
