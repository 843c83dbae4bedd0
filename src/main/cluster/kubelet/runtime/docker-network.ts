import type Docker from 'dockerode';
import type { NetworkInfo } from './types';

interface AddressPool {
  Subnet?: string;
  Gateway?: string;
  IPRange?: string;
}

/** The first usable address of a network, where engines put its gateway: `172.18.0.0/16` → `172.18.0.1`. */
export function firstAddress(subnet: string): string {
  const parts = subnet.split('/')[0]!.split('.');
  return [...parts.slice(0, 3), Number(parts[3]) + 1].join('.');
}

interface Found extends AddressPool {
  inUse: boolean;
}

/** The first half of a network: `172.18.0.0/16` → `172.18.0.0/17`. */
export function lowerHalf(subnet: string): string {
  const [address, prefix] = subnet.split('/');
  return `${address}/${Number(prefix) + 1}`;
}

/**
 * Makes the cluster's bridge network unless it is there. Containers get addresses
 * from the lower half of its subnet, so that fixed ones in the upper half stay free.
 * An engine allows fixed addresses only where the subnet was named: without a wish
 * it is asked for a free one by making the network once for the question.
 * The caller maps failures.
 */
export async function ensureNetwork(
  docker: Docker,
  name: string,
  labels: Record<string, string>,
  subnet?: string,
): Promise<NetworkInfo> {
  const inspect = async (): Promise<Found | undefined> => {
    try {
      const info = await docker.getNetwork(name).inspect();
      return { ...info.IPAM?.Config?.[0], inUse: Object.keys(info.Containers ?? {}).length > 0 };
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode === 404) return undefined;
      throw error;
    }
  };
  const create = async (pool?: AddressPool): Promise<void> => {
    await docker.createNetwork({
      Name: name,
      Driver: 'bridge',
      CheckDuplicate: true,
      Labels: labels,
      ...(pool ? { IPAM: { Driver: 'default', Config: [pool] } } : {}),
    } as Docker.NetworkCreateOptions);
  };
  let found = await inspect();
  if (found && !found.IPRange && !found.inUse) {
    // Left over from a question whose asker did not live to see the answer.
    await docker.getNetwork(name).remove();
    found = undefined;
  }
  for (let tries = 0; !found && tries < 5; tries++) {
    let wanted = subnet;
    if (!wanted) {
      await create();
      wanted = (await inspect())?.Subnet;
      await docker.getNetwork(name).remove();
    }
    try {
      await create(wanted ? { Subnet: wanted, IPRange: lowerHalf(wanted), Gateway: firstAddress(wanted) } : undefined);
    } catch (error) {
      // Between the question and this another network may have taken the subnet.
      if (subnet || tries === 4) throw error;
    }
    found = await inspect();
  }
  return {
    name,
    gateway: found?.Gateway ?? '',
    subnet: found?.Subnet ?? '',
    ...(found?.IPRange ? { range: found.IPRange } : {}),
  };
}
