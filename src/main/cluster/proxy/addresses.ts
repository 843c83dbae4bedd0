/**
 * The n-th usable IPv4 address from the end of a subnet: of `172.18.0.0/16` the 0th is
 * `172.18.255.254`. Undefined when the subnet's upper half has no n-th.
 */
export function addressFromEnd(subnet: string, n: number): string | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(subnet);
  if (!match) return undefined;
  const [a, b, c, d, prefix] = match.slice(1).map(Number) as [number, number, number, number, number];
  const size = 2 ** (32 - prefix);
  if (n >= size / 2 - 1) return undefined;
  const start = Math.floor((a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / size) * size;
  const address = start + size - 2 - n;
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
