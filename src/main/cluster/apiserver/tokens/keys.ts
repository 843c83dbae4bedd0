import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../files';

/** The key that tokens of service accounts are signed with (ES256). */
export interface TokenKey {
  /** Names the public key in a token's header. */
  id: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/** The key kept in `directory` as sa.key (0600); a missing or broken one is made anew, and tokens of the old one end. */
export async function loadOrCreateTokenKey(directory: string): Promise<TokenKey> {
  const file = join(directory, 'sa.key');
  try {
    const key = tokenKey(createPrivateKey(await readFile(file)));
    await chmod(file, 0o600);
    return key;
  } catch {
    const key = newTokenKey();
    await writeFileAtomically(file, key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
    return key;
  }
}

/** A new key that is kept nowhere. */
export function newTokenKey(): TokenKey {
  return tokenKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
}

function tokenKey(privateKey: KeyObject): TokenKey {
  if (privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('not a P-256 key');
  const publicKey = createPublicKey(privateKey);
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return { id: createHash('sha256').update(der).digest('base64url'), privateKey, publicKey };
}
