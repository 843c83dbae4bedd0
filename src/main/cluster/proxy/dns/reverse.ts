/** `10.96.0.20` is asked for as `20.0.96.10.in-addr.arpa`. */
export const reverseName = (ip: string): string => `${ip.split('.').reverse().join('.')}.in-addr.arpa`;

/** The zones that hold the reverse names of an IPv4 network and of nothing else: `172.18.0.0/15` has two, `18.172` and `19.172`. */
export function reverseZones(cidr: string): string[] {
  const [address, prefixText] = cidr.split('/');
  const parts = address!.split('.').map(Number);
  const prefix = Number(prefixText);
  const length = Math.max(1, Math.min(3, Math.ceil(prefix / 8)));
  const count = 2 ** Math.max(0, length * 8 - prefix);
  const last = parts[length - 1]!;
  const first = last - (last % count);
  return Array.from({ length: count }, (_, index) => {
    const zone = [...parts.slice(0, length - 1), first + index];
    return `${zone.reverse().join('.')}.in-addr.arpa`;
  });
}
