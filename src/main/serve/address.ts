import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const schema = z.object({ port: z.number().int().min(0).max(65_535), token: z.string().min(20) });

/** Where the window was served last and what lets a page in; kept so that an open page finds the app again. */
export type Address = z.infer<typeof schema>;

const file = (directory: string): string => join(directory, 'ui.json');

/** The address of the last run; a new token and any free port when there is none or it cannot be read. */
export async function readAddress(directory: string): Promise<Address> {
  try {
    return schema.parse(JSON.parse(await readFile(file(directory), 'utf8')));
  } catch {
    return { port: 0, token: randomBytes(24).toString('base64url') };
  }
}

/** Keeps the address for the user's eyes alone (0600): the token is as good as the admin kubeconfig beside it. */
export async function writeAddress(directory: string, address: Address): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const draft = `${file(directory)}.new`;
  await writeFile(draft, `${JSON.stringify(address)}\n`, { mode: 0o600 });
  await rename(draft, file(directory));
}
