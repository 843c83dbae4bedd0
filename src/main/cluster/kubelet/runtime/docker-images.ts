import type Docker from 'dockerode';
import type { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { withTag } from './image-reference';
import { pauseImage, pauseImageTar } from './pause-image';
import { RuntimeError, type BuildFile, type ImageInfo, type PullProgress, type RegistryAuth } from './types';

/** Reads a progress stream to its end. @throws RuntimeError with the error the engine reports in it */
async function follow(stream: Readable, onMessage: (message: any) => void = () => {}): Promise<void> {
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (!line.trim()) continue;
      const message = JSON.parse(line);
      if (message.error) throw new RuntimeError(message.error, 'failed');
      onMessage(message);
    }
  }
}

/** Pulls and waits for the end. The caller maps failures. */
export async function pullImage(
  docker: Docker,
  reference: string,
  options: { auth?: RegistryAuth; onProgress?: (progress: PullProgress) => void; signal?: AbortSignal },
): Promise<void> {
  const stream = await docker.createImage(options.auth as never, {
    fromImage: withTag(reference),
    abortSignal: options.signal,
  });
  await follow(stream as Readable, (message) =>
    options.onProgress?.({
      ...(message.id ? { layer: message.id } : {}),
      status: message.status ?? '',
      current: message.progressDetail?.current,
      total: message.progressDetail?.total,
    }),
  );
}

/** Makes the sandbox image on the engine unless it is there. @param architecture in Go's words */
export async function ensurePauseImage(docker: Docker, architecture: string): Promise<void> {
  try {
    await docker.getImage(pauseImage).inspect();
    return;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 404) throw error;
  }
  const [repo, tag] = pauseImage.split(':');
  const stream = await docker.importImage((await pauseImageTar(architecture)) as never, {
    repo,
    tag,
    changes: 'ENTRYPOINT ["/pause"]',
    message: 'holds the namespaces of a pod',
  });
  await follow(stream as Readable);
}

/** Builds and waits for the end. @throws RuntimeError with the error the engine reports, or what it answered to the call */
export async function buildImage(
  docker: Docker,
  reference: string,
  files: BuildFile[],
  options: { onProgress?: (line: string) => void; signal?: AbortSignal } = {},
): Promise<void> {
  const context = pack();
  for (const { name, data, executable } of files)
    context.entry({ name, mode: executable ? 0o755 : 0o644, mtime: new Date(0) }, data);
  context.finalize();
  const stream = await docker.buildImage(context as never, {
    t: reference,
    forcerm: true,
    abortSignal: options.signal,
  });
  await follow(stream as Readable, (message) => {
    const line = String(message.stream ?? message.status ?? '').trim();
    if (line) options.onProgress?.(line);
  });
}

/** What the engine knows of an image; undefined when it has none of that name or id. */
export async function imageInfo(docker: Docker, reference: string): Promise<ImageInfo | undefined> {
  try {
    const info = await docker.getImage(reference.startsWith('sha256:') ? reference : withTag(reference)).inspect();
    return {
      id: info.Id,
      sizeBytes: info.Size,
      reference: info.RepoDigests?.[0] ?? info.Id,
      user: info.Config?.User ?? '',
    };
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}
