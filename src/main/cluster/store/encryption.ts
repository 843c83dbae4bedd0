import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { chmod, open, readFile, stat } from 'node:fs/promises';
import { StoreError } from './types';

const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;

/** Objects that are not to be readable on disk. */
export const isSecret = (key: string): boolean => key.startsWith('/registry/core/secrets/');

/** Encrypts records with AES-256-GCM, bound to the key and revision they belong to. */
export class Sealer {
  constructor(private readonly key: Buffer) {
    if (key.length !== keyBytes)
      throw new StoreError('io', `the encryption key has ${key.length} bytes, not ${keyBytes}`);
  }

  seal(key: string, revision: number, text: string): string {
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', this.key, iv).setAAD(boundTo(key, revision));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64');
  }

  /** @throws StoreError io when it was sealed with another key, or for another record */
  open(key: string, revision: number, sealed: string): string {
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, ivBytes))
        .setAAD(boundTo(key, revision))
        .setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
      return Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]).toString('utf8');
    } catch {
      throw new StoreError('io', `${key} cannot be decrypted: the encryption key is not the one it was written with`);
    }
  }
}

const boundTo = (key: string, revision: number): Buffer => Buffer.from(`${revision}:${key}`);

/** Reads the key for secrets at rest, or makes one; the file (mode 0600) is base64. @throws StoreError io */
export async function loadOrCreateKey(file: string): Promise<Buffer> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      const key = randomBytes(keyBytes);
      await handle.writeFile(`${key.toString('base64')}\n`);
      await handle.sync();
      return key;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  if (process.platform !== 'win32' && (await stat(file)).mode & 0o077) await chmod(file, 0o600);
  const key = Buffer.from(await readFile(file, 'utf8'), 'base64');
  if (key.length !== keyBytes)
    throw new StoreError('io', `${file} is not an encryption key: it has ${key.length} bytes, not ${keyBytes}`);
  return key;
}
