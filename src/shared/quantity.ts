/**
 * Resource quantities: "250m", "64Mi", "1e3", 2. Arithmetic is exact (integers
 * of any size), so 1.1 CPU is 1100 millis and not 1101.
 */

const decimalExponents: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binaryExponents: Record<string, number> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const shape = /^([+-]?)(\d*)(?:\.(\d*))?(?:([KMGTPE]i)|[eE]([+-]?\d{1,3})|([numkMGTPE]?))$/;

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** value = digits × 10^exponent */
interface Decimal {
  digits: bigint;
  exponent: number;
  format: QuantityFormat;
}

function decompose(quantity: string | number): Decimal | undefined {
  const match = shape.exec(String(quantity));
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', binary, power, suffix = ''] = match;
  if (!whole && !fraction) return undefined;
  let digits = BigInt(whole + fraction);
  if (sign === '-') digits = -digits;
  let exponent = -fraction.length;
  if (binary) digits <<= BigInt(binaryExponents[binary]!);
  else exponent += power !== undefined ? Number(power) : decimalExponents[suffix]!;
  return { digits, exponent, format: binary ? 'BinarySI' : power !== undefined ? 'DecimalExponent' : 'DecimalSI' };
}

function required(quantity: string | number): Decimal {
  const decimal = decompose(quantity);
  if (!decimal)
    throw new Error(
      `quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$': ${JSON.stringify(quantity)}`,
    );
  return decimal;
}

/** The value times 10^scale, rounded away from zero, as Kubernetes rounds. */
function scaled({ digits, exponent }: Decimal, scale: number): bigint {
  const shift = exponent + scale;
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  const quotient = digits / divisor;
  if (digits % divisor === 0n) return quotient;
  return digits > 0n ? quotient + 1n : quotient - 1n;
}

/** Whether the text is a quantity. */
export function isQuantity(quantity: unknown): quantity is string | number {
  return (typeof quantity === 'string' || typeof quantity === 'number') && decompose(quantity) !== undefined;
}

/** Schedulers parse the same few texts millions of times. */
function remembered(parse: (quantity: string | number) => number): (quantity: string | number | undefined) => number {
  const known = new Map<string | number, number>();
  return (quantity) => {
    if (quantity === undefined || quantity === null) return 0;
    let value = known.get(quantity);
    if (value === undefined) {
      value = parse(quantity);
      if (known.size >= 4096) known.clear();
      known.set(quantity, value);
    }
    return value;
  };
}

/**
 * The value as the nearest number: "250m" → 0.25, "64Mi" → 67108864; absent → 0.
 * @throws Error when it is not a quantity
 */
export const parseQuantity = remembered((quantity) => {
  const { digits, exponent } = required(quantity);
  return Number(`${digits}e${exponent}`);
});

/** CPU in whole millis, rounded up: "250m" → 250, "1.5" → 1500; absent → 0. @throws Error as parseQuantity */
export const parseCpuMillis = remembered((quantity) => Number(scaled(required(quantity), 3)));

/** Whole units (bytes, pods, devices), rounded up: "64Mi" → 67108864; absent → 0. @throws Error as parseQuantity */
export const parseBytes = remembered((quantity) => Number(scaled(required(quantity), 0)));

function formatDecimal(decimal: Decimal, exponentForm: boolean): string {
  let nanos = scaled(decimal, 9);
  if (nanos === 0n) return '0';
  let exponent = -9;
  while (exponent < 18 && nanos % 1000n === 0n) {
    nanos /= 1000n;
    exponent += 3;
  }
  if (exponentForm) return exponent === 0 ? `${nanos}` : `${nanos}e${exponent}`;
  const suffix = Object.keys(decimalExponents).find((name) => decimalExponents[name] === exponent)!;
  return `${nanos}${suffix}`;
}

function format(decimal: Decimal, form: QuantityFormat): string {
  const units = scaled(decimal, 0);
  const magnitude = units < 0n ? -units : units;
  const whole = scaled({ ...decimal, digits: units, exponent: 0 }, 9) === scaled(decimal, 9);
  if (form !== 'BinarySI' || magnitude < 1024n || !whole) return formatDecimal(decimal, form === 'DecimalExponent');
  let value = units;
  let suffix = '';
  for (const name of Object.keys(binaryExponents)) {
    if (value % 1024n !== 0n) break;
    value /= 1024n;
    suffix = name;
  }
  return `${value}${suffix}`;
}

/**
 * The canonical text of a value: the largest suffix that leaves a whole number.
 * `formatQuantity(0.25)` → "250m", `formatQuantity(67108864, 'BinarySI')` → "64Mi".
 */
export function formatQuantity(value: number, form: QuantityFormat = 'DecimalSI'): string {
  return format(required(value), form);
}

/** The canonical text of a quantity, in its own form: "0.5" → "500m", "1024Mi" → "1Gi". @throws Error as parseQuantity */
export function canonicalQuantity(quantity: string | number): string {
  const decimal = required(quantity);
  return format(decimal, decimal.format);
}

/** CPU millis as a quantity: 250 → "250m", 2000 → "2". */
export function formatCpuMillis(millis: number): string {
  return format({ digits: BigInt(Math.round(millis)), exponent: -3, format: 'DecimalSI' }, 'DecimalSI');
}

/** Bytes as a quantity: 67108864 → "64Mi", 1000 → "1000". */
export function formatBytes(bytes: number): string {
  const text = formatQuantity(Math.round(bytes), 'BinarySI');
  return /[a-zA-Z]$/.test(text) && !text.endsWith('i') ? String(Math.round(bytes)) : text;
}
