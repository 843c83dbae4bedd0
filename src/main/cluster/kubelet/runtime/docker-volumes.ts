import type Docker from 'dockerode';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract, pack, type Header } from 'tar-stream';
import { RuntimeError } from './types';

interface MeasuredVolume {
  Name: string;
  /** Size −1: the engine cannot tell. */
  UsageData?: { Size: number };
}

/** What the engine says of the room its volumes take, before API 1.52 and since. */
interface DiskUsage {
  Volumes?: MeasuredVolume[] | null;
  VolumeUsage?: { Items?: MeasuredVolume[] | null };
}

/** Bytes in each volume of the engine. It walks through their files: to be asked seldom. */
export async function volumeSizes(docker: Docker): Promise<Map<string, number>> {
  // Since API 1.42 images and containers can be left out.
  const usage = await new Promise<DiskUsage>((resolve, reject) => {
    const statusCodes = { 200: true, 500: 'server error' } as const;
    docker.modem.dial(
      { path: '/system/df?type=volume&verbose=1', method: 'GET', statusCodes } as never,
      (error: unknown, body: unknown) => (error ? reject(error as Error) : resolve(body as DiskUsage)),
    );
  });
  const volumes = usage.Volumes ?? usage.VolumeUsage?.Items ?? [];
  return new Map(
    volumes.flatMap(({ Name, UsageData }) => (UsageData && UsageData.Size >= 0 ? [[Name, UsageData.Size]] : [])),
  );
}

/** Where a volume is in the container by which it is looked into. */
const place = 'volume';
/** Bits of a mode as Go writes them. */
const goSymlink = 2 ** 27;
/** The group may do everything, and what is made belongs to it. */
const groupBits = 0o2070;

/** Works on a volume's files through a container that never runs: the engine may be on another machine. */
async function inVolume<T>(
  docker: Docker,
  name: string,
  options: { image: string; labels: Record<string, string> },
  work: (container: Docker.Container) => Promise<T>,
): Promise<T> {
  const container = await docker.createContainer({
    Image: options.image,
    Labels: options.labels,
    HostConfig: {
      NetworkMode: 'none',
      Mounts: [{ Type: 'volume', Source: name, Target: `/${place}`, VolumeOptions: { NoCopy: true } as never }],
    },
  });
  try {
    return await work(container);
  } finally {
    await container.remove({ force: true }).catch(() => {});
  }
}

/** The mode of a file in Go's words; undefined when there is none. */
async function modeOf(container: Docker.Container, path: string): Promise<number | undefined> {
  try {
    const response = (await container.infoArchive({ path })) as unknown as IncomingMessage;
    response.resume();
    const header = String(response.headers['x-docker-container-path-stat']);
    return (JSON.parse(Buffer.from(header, 'base64').toString()) as { mode: number }).mode;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}

async function putDirectories(
  container: Docker.Container,
  names: readonly string[],
  header: { mode: number; gid?: number },
): Promise<void> {
  const tar = pack();
  for (const name of names) tar.entry({ name, type: 'directory', ...header });
  tar.finalize();
  await container.putArchive(await buffer(tar), { path: '/' });
}

/**
 * Makes a directory inside a volume unless something is there.
 * @param wanted its path, relative and without `..`, and whose it is, if anybody's but root's
 * @throws RuntimeError when a link is in the way, which could lead anywhere
 */
export function makeDirectory(
  docker: Docker,
  name: string,
  wanted: { path: string; group?: number },
  options: { image: string; labels: Record<string, string> },
): Promise<void> {
  const { path, group } = wanted;
  return inVolume(docker, name, options, async (container) => {
    const missing: string[] = [];
    let at = place;
    for (const part of path.split('/').filter((one) => one && one !== '.')) {
      at = `${at}/${part}`;
      const mode = missing.length > 0 ? undefined : await modeOf(container, `/${at}`);
      if (mode === undefined) missing.push(at);
      else if (Math.floor(mode / goSymlink) % 2 === 1)
        throw new RuntimeError(`"${path}" of volume ${name} leads through a symbolic link`, 'unsupported');
    }
    const header = group === undefined ? { mode: 0o755 } : { mode: 0o2775, gid: group };
    if (missing.length > 0) await putDirectories(container, missing, header);
  });
}

/** The header of a file's entry in an archive. What follows it is not read. */
async function headerOf(container: Docker.Container, path: string): Promise<Header> {
  const archive = (await container.getArchive({ path })) as Readable;
  const entries = extract();
  try {
    return await new Promise<Header>((resolve, reject) => {
      entries.once('entry', resolve).once('error', reject);
      archive.once('error', reject).pipe(entries);
    });
  } finally {
    archive.destroy();
    entries.destroy();
  }
}

/** Gives the top of a volume to a group, to which what is made in it will belong; one that it has stays as it is. */
export function giveVolume(
  docker: Docker,
  name: string,
  group: number,
  options: { image: string; labels: Record<string, string> },
): Promise<void> {
  return inVolume(docker, name, options, async (container) => {
    const { mode = 0, gid } = await headerOf(container, `/${place}`);
    if (gid !== group || (mode & groupBits) !== groupBits)
      await putDirectories(container, [place], { mode: 0o2775, gid: group });
  });
}
