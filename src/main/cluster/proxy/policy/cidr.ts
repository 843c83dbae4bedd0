/** Addresses of IPv4 but for some. */
export interface Block {
  cidr: string;
  except: readonly string[];
}

export const isAddress = (text: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(text);

/** The first and the last address, as numbers. */
export function boundsOf(cidr: string): [number, number] {
  const [address = '', prefix = '32'] = cidr.split('/');
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(prefix));
  const first = Math.floor(number / size) * size;
  return [first, first + size - 1];
}

const addressOf = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');

/** Written as the kernel knows it, without bits behind the prefix: `10.1.2.3/8` → `10.0.0.0/8`. */
export const normalized = (cidr: string): string =>
  `${addressOf(boundsOf(cidr)[0])}/${Number(cidr.split('/')[1] ?? 32)}`;

/** Whether all addresses of one network are of the other; an address is a network of one. */
export const contains = (outer: string, inner: string): boolean => {
  const [first, last] = boundsOf(outer);
  const [from, to] = boundsOf(inner);
  return first <= from && to <= last;
};

/** The widest of the networks, in order: those in another one are left out. */
export function disjoint(cidrs: readonly string[]): string[] {
  const all = [...new Set(cidrs.filter((cidr) => !cidr.includes(':')).map(normalized))].sort();
  return all.filter((one) => !all.some((other) => other !== one && contains(other, one)));
}
