import { sign, verify } from 'node:crypto';
import type { TokenKey } from './keys';

/** The longest token that is looked at, in characters. */
const longest = 16_384;

export type Claims = Record<string, unknown>;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JSON Web Token signed with ES256. */
export function signJwt(claims: Claims, key: TokenKey): string {
  const text = `${encode({ alg: 'ES256', kid: key.id })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(text), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

/** The claims of a token that the key signed; undefined for anything else. Times are not looked at. */
export function verifyJwt(token: string, key: TokenKey): Claims | undefined {
  if (token.length > longest) return undefined;
  const [header, payload, signature, ...more] = token.split('.');
  if (!header || !payload || !signature || more.length > 0) return undefined;
  try {
    // Only what the key is for: the algorithm is not the sender's to choose.
    if (decode(header).alg !== 'ES256') return undefined;
    const bytes = Buffer.from(signature, 'base64url');
    const data = Buffer.from(`${header}.${payload}`);
    if (!verify('sha256', data, { key: key.publicKey, dsaEncoding: 'ieee-p1363' }, bytes)) return undefined;
    return decode(payload);
  } catch {
    return undefined;
  }
}

function decode(part: string): Claims {
  const value = JSON.parse(Buffer.from(part, 'base64url').toString()) as unknown;
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Error('not an object');
  return value as Claims;
}
