import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '@shared/k8s';
import { isNotFound } from './client/controller';
import { resources } from './client/resources';
import type { KubeClient } from './client/types';
import { labels, type Runtime } from './kubelet/runtime/types';
import { removePodDirectory } from './kubelet/volumes';

/** For containers whose node goes away under them. */
const graceSeconds = 10;

/**
 * Ends and removes what a node without an agent has on the engine and on disk.
 * @param directory where the volumes of all nodes are
 * @throws RuntimeError when the engine does not answer; calling again goes on
 */
export async function purgeNode(runtime: Runtime, directory: string, name: string): Promise<void> {
  const listed = await runtime.list({ [labels.node]: name });
  const isSandbox = (kind: string | undefined): boolean => kind === 'sandbox';
  const running = listed.filter((one) => one.state === 'running' && !isSandbox(one.labels[labels.kind]));
  await Promise.all(running.map(({ id }) => runtime.stopContainer(id, graceSeconds)));
  // Sandboxes last: others live in their namespaces.
  for (const sandbox of [false, true]) {
    const group = listed.filter((one) => isSandbox(one.labels[labels.kind]) === sandbox);
    await Promise.all(group.map(({ id }) => runtime.removeContainer(id)));
  }
  const own = join(directory, name);
  const onDisk = await readdir(own).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const pods = new Set([...onDisk, ...listed.map((one) => one.labels[labels.podUid] ?? '')]);
  for (const uid of pods) {
    if (!uid) continue;
    await removePodDirectory(own, uid);
  }
  await runtime.removeVolumes({ [labels.node]: name });
  await rm(own, { recursive: true, force: true });
  await rm(`${own}.images.json`, { force: true });
}

/** Takes a node out of the API, and the pods that were on it. Nothing of it may run any more. */
export async function forgetNode(client: KubeClient, name: string): Promise<void> {
  const gone = (error: Error): void => {
    if (!isNotFound(error)) throw error;
  };
  await client.delete(resources.nodes, undefined, name).catch(gone);
  const pods = await client.list<Pod>(resources.pods, undefined, { fieldSelector: `spec.nodeName=${name}` });
  for (const { metadata } of pods.items) {
    const options = { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } };
    await client.delete(resources.pods, metadata.namespace, metadata.name, options).catch(gone);
  }
}
