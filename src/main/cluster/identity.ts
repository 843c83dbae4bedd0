import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a data directory says of its cluster. */
export interface ClusterIdentity {
  /** Eight hexadecimal digits: the label of everything in Docker that belongs to it. */
  id: string;
  name: string;
  /** The port the API had last, so that kubeconfigs stay good. */
  apiPort?: number;
  /** Containers were started on a Docker engine. */
  usedDocker?: boolean;
}

const file = (directory: string): string => join(directory, 'cluster.json');

/** The identity in a data directory, or undefined when it holds no cluster. @throws Error for a damaged file */
export async function readIdentity(directory: string): Promise<ClusterIdentity | undefined> {
  let text: string;
  try {
    text = await readFile(file(directory), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const identity = JSON.parse(text) as ClusterIdentity;
    if (/^[0-9a-f]{8}$/.test(identity.id)) return identity;
  } catch {
    // Told below.
  }
  throw new Error(
    `${file(directory)} is damaged: it should hold {"id":"…","name":"…"} with the id of the label gantry.dev/cluster of the cluster's containers`,
  );
}

export async function writeIdentity(directory: string, identity: ClusterIdentity): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const draft = `${file(directory)}.new`;
  await writeFile(draft, `${JSON.stringify(identity)}\n`);
  await rename(draft, file(directory));
}

/** The identity of the directory's cluster; a new one is made for an empty directory. */
export async function loadOrCreateIdentity(directory: string, name: string): Promise<ClusterIdentity> {
  const known = await readIdentity(directory);
  if (known) return known;
  const identity = { id: randomBytes(4).toString('hex'), name };
  await writeIdentity(directory, identity);
  return identity;
}
