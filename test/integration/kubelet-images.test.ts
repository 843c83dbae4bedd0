import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Secret } from '@shared/k8s';
import { pauseImageTar } from '../../src/main/cluster/kubelet/runtime/pause-image';
import { docker } from '../support/docker';
import { createHarness, podOf, type Harness } from './kubelet-harness';

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A registry with one image, team/web:1, for those who know the password. */
async function startRegistry(): Promise<{ host: string; server: Server }> {
  const tar = await pauseImageTar(process.arch === 'arm64' ? 'arm64' : 'amd64');
  const layer = gzipSync(tar);
  const platform = { architecture: process.arch === 'arm64' ? 'arm64' : 'amd64', os: 'linux' };
  const config = Buffer.from(
    JSON.stringify({
      ...platform,
      config: { Entrypoint: ['/pause'] },
      rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    }),
  );
  const docker2 = 'application/vnd.docker';
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: `${docker2}.distribution.manifest.v2+json`,
      config: { mediaType: `${docker2}.container.image.v1+json`, size: config.length, digest: digestOf(config) },
      layers: [{ mediaType: `${docker2}.image.rootfs.diff.tar.gzip`, size: layer.length, digest: digestOf(layer) }],
    }),
  );
  const found = new Map<string, { type: string; body: Buffer }>([
    ['/v2/', { type: 'application/json', body: Buffer.from('{}') }],
    ...['1', digestOf(manifest)].map(
      (tag) =>
        [
          `/v2/team/web/manifests/${tag}`,
          { type: `${docker2}.distribution.manifest.v2+json`, body: manifest },
        ] as const,
    ),
    ...[config, layer].map(
      (body) => [`/v2/team/web/blobs/${digestOf(body)}`, { type: 'application/octet-stream', body }] as const,
    ),
  ]);
  const password = `Basic ${Buffer.from('robot:secret').toString('base64')}`;
  const server = createServer((request, response) => {
    response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
    const fail = (status: number, code: string, message: string): void =>
      void response
        .writeHead(status, { 'Content-Type': 'application/json' })
        .end(JSON.stringify({ errors: [{ code, message }] }));
    if (request.headers.authorization !== password) {
      response.setHeader('WWW-Authenticate', 'Basic realm="test"');
      return fail(401, 'UNAUTHORIZED', 'authentication required');
    }
    const answer = found.get(request.url ?? '');
    if (!answer) return fail(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
    const headers = {
      'Content-Type': answer.type,
      'Content-Length': answer.body.length,
      'Docker-Content-Digest': digestOf(answer.body),
    };
    response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : answer.body);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

let cluster: Harness;
let registry: Awaited<ReturnType<typeof startRegistry>>;
beforeAll(async () => {
  registry = await startRegistry();
  cluster = await createHarness();
  const auths = { [registry.host]: { username: 'robot', password: 'secret' } };
  await cluster.create<Secret>({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'pull', namespace: 'default' },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
  });
});
afterAll(async () => {
  await cluster?.close();
  await docker
    .getImage(`${registry.host}/team/web:1`)
    .remove({ force: true })
    .catch(() => {});
  registry?.server.close();
});

const withSecret = { imagePullSecrets: [{ name: 'pull' }] };
const waiting = async (name: string, reason: string) => {
  const pod = await cluster.until(
    name,
    reason,
    (one) => one?.status?.containerStatuses?.[0]?.state?.waiting?.reason === reason,
  );
  return pod.status!.containerStatuses![0]!.state!.waiting!;
};

describe('images', () => {
  it("are pulled with the pod's secrets", async () => {
    const image = `${registry.host}/team/web:1`;
    await cluster.create(podOf('pulled', { image, command: undefined }, withSecret));
    const pod = await cluster.ready('pulled');
    expect(pod.status!.containerStatuses![0]!.imageID).toMatch(
      new RegExp(`^${registry.host}/team/web@sha256:[0-9a-f]{64}$`),
    );
    const story = (await cluster.story('pulled')).join('\n');
    expect(story).toContain(`Normal Pulling Pulling image "${image}"`);
    expect(story).toMatch(
      /Normal Pulled Successfully pulled image ".*" in [\d.]+m?s \([\d.]+m?s including waiting\)\. Image size: \d+ bytes\./,
    );
    await cluster.remove('pulled', 0);
  });

  it('are refused without them, and pulled when the secret is there', async () => {
    const image = `${registry.host}/team/web:1`;
    await cluster.create(
      podOf(
        'refused',
        { image, command: undefined, imagePullPolicy: 'Always' },
        { imagePullSecrets: [{ name: 'late' }] },
      ),
    );
    const { message } = await waiting('refused', 'ErrImagePull');
    expect(message).toMatch(/no basic auth credentials|authentication required|unauthorized/);
    const pull = await cluster.client.get(
      { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true },
      'default',
      'pull',
    );
    await cluster.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'late', namespace: 'default' },
      type: pull.type,
      data: pull.data,
    });
    await cluster.ready('refused');
  });

  it('that cannot be pulled are reported in the words of the registry', async () => {
    const image = `${registry.host}/team/web:9`;
    await cluster.create(podOf('unpulled', { image }, withSecret));
    const first = await waiting('unpulled', 'ErrImagePull');
    expect(first.message).toContain('manifest unknown');
    const then = await waiting('unpulled', 'ImagePullBackOff');
    expect(then.message).toBe(`Back-off pulling image "${image}": ErrImagePull: ${first.message}`);
    expect(await cluster.story('unpulled')).toEqual(
      expect.arrayContaining([
        `Normal Pulling Pulling image "${image}"`,
        `Warning Failed Failed to pull image "${image}": ${first.message}`,
        'Warning Failed Error: ErrImagePull',
        `Normal BackOff Back-off pulling image "${image}"`,
      ]),
    );
  });

  it('are not pulled with the policy Never, and must be named properly', async () => {
    await cluster.create(podOf('never', { image: 'absent:1', imagePullPolicy: 'Never' }));
    await cluster.create(podOf('misnamed', { image: 'Not A Name' }));
    expect((await waiting('never', 'ErrImageNeverPull')).message).toBe(
      'Container image "absent:1" is not present with pull policy of Never',
    );
    expect((await waiting('misnamed', 'InvalidImageName')).message).toContain('invalid reference format');
  });
});
