import Docker from 'dockerode';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { pack } from 'tar-stream';

/** The small image of the tests: Debian's static busybox, made on the machine where no registry can be reached. */
export const busybox = 'busybox:1';

/** The engine of this machine. */
export const docker = new Docker();

const label = 'gantry.dev/cluster';

/** A cluster id of its own for every test. */
export const testCluster = (): string => `test-${randomBytes(4).toString('hex')}`;

async function imageExists(name: string): Promise<boolean> {
  return docker
    .getImage(name)
    .inspect()
    .then(
      () => true,
      () => false,
    );
}

/** Makes sure of `busybox:1`; further names become tags of the same image. */
export async function ensureBusybox(...names: string[]): Promise<void> {
  if (!(await imageExists(busybox))) {
    const binary = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
    if (!binary) throw new Error('the tests need a static busybox: apt-get install busybox-static');
    const bytes = readFileSync(binary);
    const tar = pack();
    for (const directory of ['bin', 'etc', 'tmp', 'root', 'var', 'proc', 'sys', 'dev']) {
      tar.entry({ name: directory, type: 'directory', mode: directory === 'tmp' ? 0o1777 : 0o755 });
    }
    tar.entry({ name: 'etc/passwd' }, 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n');
    tar.entry({ name: 'etc/group' }, 'root:x:0:\nnogroup:x:65534:\n');
    tar.entry({ name: 'bin/busybox', mode: 0o755 }, bytes);
    const applets =
      'sh cat echo ls sleep env id true false sed grep wget nc httpd kill ps hostname date touch rm mkdir mount stat tail head test stty seq printf trap yes dd awk find readlink nslookup vi top df free ip ln cp mv tr cut wc chmod sync tee xargs uname basename dirname';
    for (const applet of applets.split(' ')) tar.entry({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox' });
    tar.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of tar) chunks.push(chunk as Buffer);
    const stream = (await docker.importImage(Buffer.concat(chunks) as never, {
      repo: 'busybox',
      tag: '1',
      changes: 'CMD ["sh"]',
    })) as unknown as Readable;
    for await (const _ of stream);
  }
  for (const name of names) {
    if (await imageExists(name)) continue;
    const [repo, tag] = name.split(':');
    await docker.getImage(busybox).tag({ repo, tag: tag ?? 'latest' });
  }
}

/** The containers of a cluster, running or not. */
export async function containersOf(
  clusterId: string,
  labels: Record<string, string> = {},
): Promise<Docker.ContainerInfo[]> {
  const wanted = [`${label}=${clusterId}`, ...Object.entries(labels).map(([key, value]) => `${key}=${value}`)];
  return docker.listContainers({ all: true, filters: { label: wanted } });
}

/** Removes all that carries the cluster's label. */
export async function removeCluster(clusterId: string): Promise<void> {
  const filters = { label: [`${label}=${clusterId}`] };
  for (const one of await docker.listContainers({ all: true, filters })) {
    await docker
      .getContainer(one.Id)
      .remove({ force: true, v: true })
      .catch(() => {});
  }
  for (const network of await docker.listNetworks({ filters }))
    await docker
      .getNetwork(network.Id)
      .remove()
      .catch(() => {});
  const { Volumes } = await docker.listVolumes({ filters });
  for (const volume of Volumes ?? [])
    await docker
      .getVolume(volume.Name)
      .remove()
      .catch(() => {});
}
