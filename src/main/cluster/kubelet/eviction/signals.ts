import { readFile, statfs } from 'node:fs/promises';
import { parseBytes } from '@shared/quantity';

/** What can run short on a node, by Kubernetes' names. */
export const signals = [
  'memory.available',
  'nodefs.available',
  'nodefs.inodesFree',
  'imagefs.available',
  'pid.available',
] as const;
export type Signal = (typeof signals)[number];

/** Bytes, inodes or process ids. */
export interface Reading {
  available: number;
  capacity: number;
}

/** What a machine has left. Signals that cannot be seen are absent. */
export type Readings = Partial<Record<Signal, Reading>>;

/** Below which a node is under pressure: a quantity, or a percentage of the capacity. */
export type Thresholds = Partial<Record<Signal, string>>;

/**
 * Kubernetes' own figure for memory. Its percentages of disks are made for machines that do nothing
 * else: on a user's disk they would be met with hundreds of gigabytes free.
 */
export const defaultThresholds: Thresholds = {
  'memory.available': '100Mi',
  'nodefs.available': '1Gi',
  'nodefs.inodesFree': '1%',
  'imagefs.available': '2Gi',
};

/** A threshold in the units of its signal. @throws Error when it is neither a quantity nor a percentage */
export function thresholdOf(threshold: string, capacity: number): number {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(threshold);
  return percent ? (Number(percent[1]) / 100) * capacity : parseBytes(threshold);
}

export interface MachineOptions {
  /** Where pods' volumes are. */
  volumesDirectory: string;
  /** Where the engine keeps images, when it is on this host. */
  imagesDirectory(): string | undefined;
  /** The engine's containers use this host's memory. */
  sameHost(): boolean;
}

async function diskOf(path: string | undefined): Promise<{ bytes?: Reading; inodes?: Reading }> {
  const found = path === undefined ? undefined : await statfs(path).catch(() => undefined);
  if (!found || found.blocks === 0) return {};
  const { bavail, blocks, bsize, ffree, files } = found;
  return {
    bytes: { available: bavail * bsize, capacity: blocks * bsize },
    // File systems without a fixed number of inodes say 0.
    ...(files > 0 ? { inodes: { available: ffree, capacity: files } } : {}),
  };
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** Reads what this host has left, where the engine's containers run on it; nothing otherwise. */
export function createMachineReader({ volumesDirectory, imagesDirectory, sameHost }: MachineOptions) {
  return async (): Promise<Readings> => {
    if (!sameHost()) return {};
    const [nodefs, imagefs, memory, load, most] = await Promise.all([
      diskOf(volumesDirectory),
      diskOf(imagesDirectory()),
      textOf('/proc/meminfo'),
      textOf('/proc/loadavg'),
      textOf('/proc/sys/kernel/pid_max'),
    ]);
    const readings: Readings = {};
    const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(memory)?.[1] ?? NaN);
    const [available, total] = [kib('MemAvailable') * 1024, kib('MemTotal') * 1024];
    if (total > 0 && available >= 0) readings['memory.available'] = { available, capacity: total };
    if (nodefs.bytes) readings['nodefs.available'] = nodefs.bytes;
    if (nodefs.inodes) readings['nodefs.inodesFree'] = nodefs.inodes;
    if (imagefs.bytes) readings['imagefs.available'] = imagefs.bytes;
    const processes = Number(/\d+\/(\d+)/.exec(load)?.[1] ?? NaN);
    const capacity = Number(most);
    if (capacity > 0 && processes >= 0) readings['pid.available'] = { available: capacity - processes, capacity };
    return readings;
  };
}
