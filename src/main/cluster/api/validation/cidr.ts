import { BlockList, isIPv6 } from 'node:net';
import type { FieldError } from '../kind';
import { invalid } from './field';
import { ipAddress } from './strings';

/** Faults of a range of addresses, as in `10.9.8.0/24`. */
export function validateCidr(cidr: string, path: string): FieldError[] {
  const [address = '', bits = '', ...more] = cidr.split('/');
  const most = address.includes(':') ? 128 : 32;
  const valid = more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most && ipAddress(address).length === 0;
  return valid ? [] : [invalid(path, cidr, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')];
}

/** Whether all of a range, both of which are valid, lies in another and leaves some of it. */
export function isStrictlyWithin(cidr: string, outer: string): boolean {
  const [address, bits] = cidr.split('/') as [string, string];
  const [base, size] = outer.split('/') as [string, string];
  if (isIPv6(address) !== isIPv6(base) || Number(bits) <= Number(size)) return false;
  const family = isIPv6(base) ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(base, Number(size), family);
  return list.check(address, family);
}
