import type Docker from 'dockerode';
import { labels } from './types';

/** What Docker calls a container's place in a network, as `docker network inspect` tells it. */
interface Endpoint {
  Name?: string;
}

/**
 * Removes a network of a cluster. Engines keep endpoints of containers that are long gone, most of all after they
 * were restarted in a hurry (seen with 20.10), and refuse to remove their network: these are disconnected by force.
 * A network that is gone already is fine.
 * @throws Error that says what is still connected, and what to do, when the network stays
 */
export async function removeNetwork(docker: Docker, id: string): Promise<void> {
  const network = docker.getNetwork(id);
  const isRemoved = async (): Promise<boolean> => {
    try {
      await network.remove();
      return true;
    } catch (error) {
      const { statusCode, message } = error as Error & { statusCode?: number };
      if (statusCode === 404) return true;
      if (!message.includes('has active endpoints')) throw error;
      return false;
    }
  };
  if (await isRemoved()) return;
  const { Name: name, Containers: connected } = (await network.inspect()) as {
    Name: string;
    Containers?: Record<string, Endpoint>;
  };
  const others: string[] = [];
  for (const [containerId, endpoint] of Object.entries(connected ?? {})) {
    const container = endpoint.Name || containerId;
    if (await isOthers(docker, containerId)) others.push(container);
    // By its name: an id leads nowhere once the container is gone. What comes of it shows in the next try.
    else await network.disconnect({ Container: container, Force: true }).catch(() => {});
  }
  if (others.length > 0)
    throw new Error(
      `the network ${name} is in use by containers that are not of this cluster: ${others.join(', ')}. Disconnect them (docker network disconnect ${name} ${others[0]}) and try again.`,
    );
  if (!(await isRemoved()))
    throw new Error(
      `the Docker Engine does not remove the network ${name}: it remembers endpoints of containers that are gone. Restart the engine and try again.`,
    );
}

/** Whether a container is there that no cluster of ours made. */
async function isOthers(docker: Docker, id: string): Promise<boolean> {
  try {
    const { Config } = await docker.getContainer(id).inspect();
    return Config.Labels?.[labels.cluster] === undefined;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}
