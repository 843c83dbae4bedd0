import type { CustomVersion } from '../../api/apiextensions/types';

const form = /^v(\d+)(?:(alpha|beta)(\d+))?$/;

/** Versions as discovery lists them: stable before beta before alpha, newer before older, then all others by name. */
export function byPrecedence<T extends Pick<CustomVersion, 'name'>>(versions: readonly T[]): T[] {
  return [...versions].sort((a, b) => compare(a.name, b.name));
}

function compare(a: string, b: string): number {
  const [left, right] = [rank(a), rank(b)];
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : 1;
  return right[0]! - left[0]! || right[1]! - left[1]! || right[2]! - left[2]!;
}

function rank(name: string): number[] | undefined {
  const found = form.exec(name);
  if (!found) return undefined;
  const stability = found[2] === 'alpha' ? 0 : found[2] === 'beta' ? 1 : 2;
  return [stability, Number(found[1]), Number(found[3] ?? 0)];
}
