import { readdir, rm, rmdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { readIdentity } from './identity';
import { findDockerEndpoint } from './kubelet/runtime/docker-host';
import { removeContainer } from './kubelet/runtime/remove-container';
import { removeNetwork } from './kubelet/runtime/remove-network';
import { labels } from './kubelet/runtime/types';
import { lockDirectory } from './store/lock';

/** What a data directory holds of ours; nothing else in it is touched. */
const ours = [
  'store',
  'pki',
  'volumes',
  'terminal',
  'bin',
  'desktop',
  'cluster.json',
  'encryption.key',
  'kubeconfig',
  'settings.json',
  'ui.json',
  'usage-history.jsonl',
  'usage-history.jsonl.new',
  'usage-history.jsonl.damaged',
];

/**
 * Removes a cluster that does not run: its containers, networks and volumes in
 * Docker, and its data. Answers a sentence for the user.
 * @throws Error when there is no cluster, it is running, or its engine does not answer
 */
export async function deleteCluster(dataDirectory: string, dockerHost?: string): Promise<string> {
  const identity = await readIdentity(dataDirectory);
  if (!identity) throw new Error(`there is no cluster in ${dataDirectory}`);
  const unlock = await lockDirectory(join(dataDirectory, 'store'), join(dataDirectory, 'store', 'store.lock'));
  let removed = '';
  try {
    if (identity.usedDocker) removed = await removeFromDocker(identity.id, dockerHost);
  } finally {
    await unlock();
  }
  for (const name of ours) await rm(join(dataDirectory, name), { recursive: true, force: true });
  const left = await readdir(dataDirectory);
  if (!left.length) await rmdir(dataDirectory);
  return `Removed cluster "${identity.name}"${removed}.${left.length ? ` ${dataDirectory} holds other files and was kept.` : ''}`;
}

async function removeFromDocker(clusterId: string, dockerHost?: string): Promise<string> {
  const endpoint = findDockerEndpoint(dockerHost, {
    env: process.env,
    home: homedir(),
    platform: process.platform,
    uid: process.getuid?.(),
  });
  const docker = new Docker(endpoint.options);
  const filters = { label: [`${labels.cluster}=${clusterId}`] };
  try {
    await docker.ping();
  } catch (error) {
    throw new Error(
      `the Docker Engine does not answer (${(error as Error).message}): its containers of this cluster would stay behind. Start it and try again.`,
      { cause: error },
    );
  }
  const gone = (error: { statusCode?: number }): void => {
    if (error.statusCode !== 404) throw error;
  };
  const containers = await docker.listContainers({ all: true, filters });
  await Promise.all(containers.map(({ Id }) => removeContainer(docker, Id)));
  const networks = await docker.listNetworks({ filters });
  const { Volumes: volumes } = await docker.listVolumes({ filters });
  for (const { Name } of volumes ?? []) await docker.getVolume(Name).remove().catch(gone);
  for (const { Id } of networks) await removeNetwork(docker, Id);
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
  return ` with ${count(containers.length, 'container')}, ${count(networks.length, 'network')} and ${count(volumes?.length ?? 0, 'volume')}`;
}
