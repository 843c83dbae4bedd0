import type { Environment } from '@marcbachmann/cel-js';

/** A semantic version (semver.org 2.0.0). */
class Version {
  constructor(
    readonly numbers: readonly bigint[],
    readonly before: readonly string[],
  ) {}
}

const number = '(0|[1-9]\\d*)';
const identifier = '(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)';
const form = new RegExp(
  `^${number}\\.${number}\\.${number}(?:-(${identifier}(?:\\.${identifier})*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
);
const longest = 256;

function parse(text: string): Version | undefined {
  const found = text.length > longest ? null : form.exec(text);
  if (!found) return undefined;
  return new Version(
    [1, 2, 3].map((index) => BigInt(found[index]!)),
    found[4]?.split('.') ?? [],
  );
}

/** What many write for a version: `v1.2`, `01.2.3`. */
const normalized = (text: string): string => {
  const [, numbers = '', rest = ''] = /^v?([\d.]*)(.*)$/.exec(text) ?? [];
  const parts = numbers.split('.').map((part) => part.replace(/^0+(?=\d)/, ''));
  while (parts.length < 3) parts.push('0');
  return parts.join('.') + rest;
};

function compare(one: Version, other: Version): bigint {
  for (const [index, value] of one.numbers.entries()) {
    if (value !== other.numbers[index]) return value > other.numbers[index]! ? 1n : -1n;
  }
  // A version is later than those before it.
  if (one.before.length === 0 || other.before.length === 0) {
    return BigInt(Math.sign(other.before.length - one.before.length));
  }
  for (const [index, part] of one.before.entries()) {
    const against = other.before[index];
    if (against === undefined) return 1n;
    if (part !== against) return comparePart(part, against);
  }
  return one.before.length < other.before.length ? -1n : 0n;
}

function comparePart(part: string, against: string): bigint {
  const [left, right] = [/^\d+$/.test(part), /^\d+$/.test(against)];
  if (left && right) return BigInt(part) > BigInt(against) ? 1n : -1n;
  if (left !== right) return left ? -1n : 1n;
  return part > against ? 1n : -1n;
}

/** semver(), isSemver() and the methods of versions. */
export function registerVersions(environment: Environment): void {
  const type = 'kubernetes.Semver';
  const need = (text: string, normalize = false): Version => {
    const version = parse(normalize ? normalized(text) : text);
    if (!version) throw new Error('invalid semantic version');
    return version;
  };
  environment.registerType(type, Version);
  environment.registerFunction(`semver(string): ${type}`, (text: string) => need(text));
  environment.registerFunction(`semver(string, bool): ${type}`, need);
  environment.registerFunction('isSemver(string): bool', (text: string) => parse(text) !== undefined);
  environment.registerFunction(
    'isSemver(string, bool): bool',
    (text: string, normalize: boolean) => parse(normalize ? normalized(text) : text) !== undefined,
  );
  for (const [index, name] of ['major', 'minor', 'patch'].entries()) {
    environment.registerFunction(`${type}.${name}(): int`, ({ numbers }: Version) => numbers[index]);
  }
  environment.registerFunction(`${type}.compareTo(${type}): int`, compare);
  environment.registerFunction(`${type}.isGreaterThan(${type}): bool`, (a: Version, b: Version) => compare(a, b) > 0n);
  environment.registerFunction(`${type}.isLessThan(${type}): bool`, (a: Version, b: Version) => compare(a, b) < 0n);
}
