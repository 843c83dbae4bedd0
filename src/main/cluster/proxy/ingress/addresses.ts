import { isIP } from 'node:net';

/** An address, or a range like `10.0.0.0/8`, of either family. */
export function isCidr(text: string): boolean {
  const [address, bits, ...more] = text.split('/');
  const family = isIP(address ?? '');
  if (!family || more.length || address!.includes('%')) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
