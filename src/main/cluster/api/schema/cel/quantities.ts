import { canonicalQuantity, isQuantity, parseQuantity } from '@shared/quantity';
import type { Environment } from '@marcbachmann/cel-js';

/** An amount, exact to the nano and kept in nanos. */
class Quantity {
  constructor(readonly nanos: bigint) {}
}

const one = 1_000_000_000n;

function parse(text: string): Quantity {
  if (!isQuantity(text)) throw new Error(`quantity(): unable to parse quantity's suffix`);
  return new Quantity(nanosOf(text));
}

function nanosOf(text: string): bigint {
  // Numbers that a double holds exactly go the short way; the rest is put together from the canonical text.
  const value = parseQuantity(text);
  if (Number.isSafeInteger(value)) return BigInt(value) * one;
  const canonical = canonicalQuantity(text);
  const milli = /^(-?\d+)([num]?)$/.exec(canonical);
  if (milli) return BigInt(milli[1]!) * { n: 1n, u: 1000n, m: 1_000_000n, '': one }[milli[2] as 'n']!;
  return BigInt(Math.round(value)) * one;
}

const sign = (nanos: bigint): bigint => (nanos > 0n ? 1n : nanos < 0n ? -1n : 0n);

/** quantity(), isQuantity() and the methods of quantities. */
export function registerQuantities(environment: Environment): void {
  const name = 'kubernetes.Quantity';
  const amount = (other: Quantity | bigint): bigint => (typeof other === 'bigint' ? other * one : other.nanos);
  environment.registerType(name, Quantity);
  environment.registerFunction('isQuantity(string): bool', (text: string) => isQuantity(text));
  environment.registerFunction(`quantity(string): ${name}`, parse);
  environment.registerFunction(`${name}.isGreaterThan(${name}): bool`, (a: Quantity, b: Quantity) => a.nanos > b.nanos);
  environment.registerFunction(`${name}.isLessThan(${name}): bool`, (a: Quantity, b: Quantity) => a.nanos < b.nanos);
  environment.registerFunction(`${name}.compareTo(${name}): int`, (a: Quantity, b: Quantity) =>
    sign(a.nanos - b.nanos),
  );
  environment.registerFunction(`${name}.sign(): int`, (a: Quantity) => sign(a.nanos));
  environment.registerFunction(`${name}.isInteger(): bool`, (a: Quantity) => a.nanos % one === 0n);
  environment.registerFunction(`${name}.asInteger(): int`, (a: Quantity) => {
    if (a.nanos % one !== 0n) throw new Error('cannot convert value to integer');
    return a.nanos / one;
  });
  environment.registerFunction(`${name}.asApproximateFloat(): double`, (a: Quantity) => Number(a.nanos) / 1e9);
  for (const other of [name, 'int']) {
    environment.registerFunction(
      `${name}.add(${other}): ${name}`,
      (a: Quantity, b: Quantity | bigint) => new Quantity(a.nanos + amount(b)),
    );
    environment.registerFunction(
      `${name}.sub(${other}): ${name}`,
      (a: Quantity, b: Quantity | bigint) => new Quantity(a.nanos - amount(b)),
    );
  }
  environment.registerOperator(`${name} == ${name}`, (a: Quantity, b: Quantity) => a.nanos === b.nanos);
}
