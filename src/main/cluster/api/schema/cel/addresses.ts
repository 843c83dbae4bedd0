import { isIP } from 'node:net';
import type { Environment } from '@marcbachmann/cel-js';

/** An address as a number of 32 or 128 bits. */
class Address {
  constructor(
    readonly family: 4 | 6,
    readonly bits: bigint,
  ) {}
}

class Range {
  constructor(
    readonly address: Address,
    readonly length: number,
  ) {}
}

/** What `ip.isCanonical()` is called on. */
class AddressFunction {
  readonly name = 'ip';
}

const width = { 4: 32, 6: 128 } as const;

function parseAddress(text: string): Address | undefined {
  const family = isIP(text);
  if (family === 4) return new Address(4, ipv4Bits(text));
  if (family !== 6 || text.includes('%') || text.includes('.')) return undefined;
  const [head, tail] = text.split('::') as [string, string?];
  const words = (part: string | undefined) => (part ? part.split(':') : []);
  const [before, after] = [words(head), words(tail)];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return new Address(
    6,
    all.reduce((bits, word) => (bits << 16n) | BigInt(`0x${word}`), 0n),
  );
}

const ipv4Bits = (text: string): bigint => text.split('.').reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n);

function parseRange(text: string): Range | undefined {
  const [address, length] = text.split('/') as [string, string?];
  const parsed = parseAddress(address);
  if (!parsed || length === undefined || !/^(0|[1-9]\d*)$/.test(length)) return undefined;
  return Number(length) <= width[parsed.family] ? new Range(parsed, Number(length)) : undefined;
}

function contains(range: Range, address: Address, length = width[address.family] as number): boolean {
  if (range.address.family !== address.family || length < range.length) return false;
  const shift = BigInt(width[address.family] - range.length);
  return range.address.bits >> shift === address.bits >> shift;
}

function need<T>(parsed: T | undefined, kind: string, text: string): T {
  if (!parsed) throw new Error(`${kind} parse error during conversion from string: ${JSON.stringify(text)}`);
  return parsed;
}

const written = ({ family, bits }: Address): string => {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 255n)).join('.');
  const words = Array.from({ length: 8 }, (_, index) => ((bits >> BigInt(112 - index * 16)) & 65535n).toString(16));
  const runs = words.join(':').match(/(^|:)0(:0)+(?=:|$)/g) ?? [];
  const longest = runs.sort((a, b) => b.length - a.length)[0];
  if (!longest) return words.join(':');
  return words.join(':').replace(longest, '::').replace(/:{3,}/, '::');
};

const kinds: Record<string, Record<4 | 6, string[]>> = {
  isLoopback: { 4: ['127.0.0.0/8'], 6: ['::1/128'] },
  isUnspecified: { 4: ['0.0.0.0/32'], 6: ['::/128'] },
  isLinkLocalUnicast: { 4: ['169.254.0.0/16'], 6: ['fe80::/10'] },
  isLinkLocalMulticast: { 4: ['224.0.0.0/24'], 6: ['ff02::/16'] },
};
const multicast: Record<4 | 6, string[]> = { 4: ['224.0.0.0/4', '255.255.255.255/32'], 6: ['ff00::/8'] };

const isOneOf = (address: Address, ranges: Record<4 | 6, string[]>): boolean =>
  ranges[address.family].some((range) => contains(parseRange(range)!, address));

/** ip(), isIP(), cidr(), isCIDR() and their methods. */
export function registerAddresses(environment: Environment): void {
  const [ip, cidr] = ['net.IP', 'net.CIDR'];
  environment.registerType(ip, Address);
  environment.registerType(cidr, Range);
  environment.registerType('IPNamespace', AddressFunction);
  environment.registerConstant('ip', 'IPNamespace', new AddressFunction());
  environment.registerFunction('IPNamespace.isCanonical(string): bool', (_: unknown, text: string) => {
    return written(need(parseAddress(text), 'IP Address', text)) === text;
  });
  environment.registerFunction('isIP(string): bool', (text: string) => parseAddress(text) !== undefined);
  environment.registerFunction(`ip(string): ${ip}`, (text: string) => need(parseAddress(text), 'IP Address', text));
  environment.registerFunction(`string(${ip}): string`, written);
  environment.registerFunction(`${ip}.family(): int`, ({ family }: Address) => BigInt(family));
  for (const [name, ranges] of Object.entries(kinds)) {
    environment.registerFunction(`${ip}.${name}(): bool`, (address: Address) => isOneOf(address, ranges));
  }
  environment.registerFunction(
    `${ip}.isGlobalUnicast(): bool`,
    (address: Address) =>
      !isOneOf(address, multicast) &&
      !['isLoopback', 'isUnspecified', 'isLinkLocalUnicast'].some((name) => isOneOf(address, kinds[name]!)),
  );
  environment.registerFunction('isCIDR(string): bool', (text: string) => parseRange(text) !== undefined);
  environment.registerFunction(`cidr(string): ${cidr}`, (text: string) =>
    need(parseRange(text), 'network address', text),
  );
  environment.registerFunction(
    `string(${cidr}): string`,
    (range: Range) => `${written(range.address)}/${range.length}`,
  );
  environment.registerFunction(`${cidr}.ip(): ${ip}`, (range: Range) => range.address);
  environment.registerFunction(`${cidr}.prefixLength(): int`, (range: Range) => BigInt(range.length));
  environment.registerFunction(`${cidr}.masked(): ${cidr}`, ({ address, length }: Range) => {
    const shift = BigInt(width[address.family] - length);
    return new Range(new Address(address.family, (address.bits >> shift) << shift), length);
  });
  environment.registerFunction(`${cidr}.containsIP(${ip}): bool`, (range: Range, address: Address) =>
    contains(range, address),
  );
  environment.registerFunction(`${cidr}.containsIP(string): bool`, (range: Range, text: string) =>
    contains(range, need(parseAddress(text), 'IP Address', text)),
  );
  environment.registerFunction(`${cidr}.containsCIDR(${cidr}): bool`, (range: Range, inner: Range) =>
    contains(range, inner.address, inner.length),
  );
  environment.registerFunction(`${cidr}.containsCIDR(string): bool`, (range: Range, text: string) => {
    const inner = need(parseRange(text), 'network address', text);
    return contains(range, inner.address, inner.length);
  });
  environment.registerOperator(
    `${ip} == ${ip}`,
    (a: Address, b: Address) => a.family === b.family && a.bits === b.bits,
  );
  environment.registerOperator(
    `${cidr} == ${cidr}`,
    (a: Range, b: Range) =>
      a.length === b.length && a.address.family === b.address.family && a.address.bits === b.address.bits,
  );
}
