import type { Container, Pod, Secret } from '@shared/k8s';
import type { EventRecorder } from '../client/events';
import type { Clock } from '../clock';
import { Backoff } from './backoff';
import { wishOf } from './container-specs';
import type { DockerLogin } from './docker-login';
import { goDuration } from './go-duration';
import type { ObjectSource } from './objects';
import type { Waiting } from './pod-status';
import { authsFor } from './registry-auth';
import { parseImage } from './runtime/image-reference';
import { RuntimeError, type ImageInfo, type Runtime } from './runtime/types';

/** IfNotPresent, Always, Never; as the API defaults it when it is not set. */
export function pullPolicy(container: Container): string {
  if (container.imagePullPolicy) return container.imagePullPolicy;
  try {
    return parseImage(container.image ?? '').tag === 'latest' ? 'Always' : 'IfNotPresent';
  } catch {
    return 'IfNotPresent';
  }
}

export type ImageOutcome =
  | { image: ImageInfo }
  | {
      waiting: Waiting;
      /** When to try again, ms from now. */
      retryAfterMs: number;
    };

/** Whether an error is what the engine had to say, rather than that it was not heard. */
const isEngineAnswer = (error: unknown): error is RuntimeError =>
  error instanceof RuntimeError && error.code !== 'aborted' && error.code !== 'unreachable';

interface Options {
  runtime: Runtime;
  recorder: EventRecorder;
  objects: ObjectSource;
  clock: Clock;
  /** Where pull secrets do not help. */
  login?: DockerLogin;
  /** Told of images that were not there before. */
  pulled?(reference: string, image: ImageInfo): Promise<void>;
}

/** Makes images available, with the events and the back-off of a kubelet. */
export class ImageManager {
  private readonly backoff = new Backoff();
  private readonly failures = new Map<string, string>();
  private readonly failedAt = new Map<string, number>();

  constructor(private readonly options: Options) {}

  /**
   * Never throws for what a registry or engine answers: that is an outcome.
   * @param pulling called when a pull begins, which may take long
   * @throws RuntimeError when aborted or unreachable
   */
  async ensure(
    pod: Pod,
    container: Container,
    fieldPath: string,
    signal: AbortSignal,
    pulling: () => void,
  ): Promise<ImageOutcome> {
    const { runtime, recorder, clock } = this.options;
    const name = container.image ?? '';
    const event = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
      recorder.event(pod, type, reason, message, fieldPath);
    const uninspected = (reason: string, message: string): ImageOutcome => {
      event('Warning', 'InspectFailed', message);
      event('Warning', 'Failed', `Error: ${reason}`);
      return { waiting: { reason, message }, retryAfterMs: 60_000 };
    };
    try {
      parseImage(name);
    } catch (error) {
      return uninspected(
        'InvalidImageName',
        `Failed to apply default image tag "${name}": ${(error as Error).message}`,
      );
    }

    const policy = pullPolicy(container);
    let present: ImageInfo | undefined;
    try {
      present = policy === 'Always' ? undefined : await runtime.image(name);
    } catch (error) {
      if (!isEngineAnswer(error)) throw error;
      // Engines differ in what they take for a name.
      const reason = /invalid reference/.test(error.message) ? 'InvalidImageName' : 'ImageInspectError';
      return uninspected(reason, `Failed to inspect image "${name}": ${error.message}`);
    }
    if (present) {
      event('Normal', 'Pulled', `Container image "${name}" already present on machine`);
      return { image: present };
    }
    if (policy === 'Never') {
      const message = `Container image "${name}" is not present with pull policy of Never`;
      event('Warning', 'ErrImageNeverPull', message);
      event('Warning', 'Failed', 'Error: ErrImageNeverPull');
      return { waiting: { reason: 'ErrImageNeverPull', message }, retryAfterMs: 10_000 };
    }

    const key = `${pod.metadata.uid}_${name}`;
    const started = clock.now();
    const held = this.backoff.remaining(key, this.failedAt.get(key) ?? 0, started);
    if (held > 0) {
      event('Normal', 'BackOff', `Back-off pulling image "${name}"`);
      event('Warning', 'Failed', 'Error: ImagePullBackOff');
      const message = `Back-off pulling image "${name}": ErrImagePull: ${this.failures.get(key) ?? ''}`;
      return { waiting: { reason: 'ImagePullBackOff', message }, retryAfterMs: held };
    }

    event('Normal', 'Pulling', `Pulling image "${name}"`);
    pulling();
    try {
      const before = await runtime.image(name).catch(() => undefined);
      await this.pull(pod, name, signal);
      const image = await runtime.image(name);
      if (!image) throw new RuntimeError(`the engine has no image "${name}" after pulling it`, 'failed');
      if (!before) await this.options.pulled?.(name, image);
      const took = goDuration(clock.now() - started);
      event(
        'Normal',
        'Pulled',
        `Successfully pulled image "${name}" in ${took} (${took} including waiting). Image size: ${image.sizeBytes} bytes.`,
      );
      this.failures.delete(key);
      return { image };
    } catch (error) {
      if (!isEngineAnswer(error)) throw error;
      const now = clock.now();
      this.backoff.next(key, now);
      this.failedAt.set(key, now);
      this.failures.set(key, error.message);
      event('Warning', 'Failed', `Failed to pull image "${name}": ${error.message}`);
      event('Warning', 'Failed', 'Error: ErrImagePull');
      // A moment later the pod says ImagePullBackOff, for as long as that lasts.
      return {
        waiting: { reason: 'ErrImagePull', message: error.message },
        retryAfterMs: Math.min(2000, this.backoff.delay(key)),
      };
    }
  }

  private async pull(pod: Pod, image: string, signal: AbortSignal): Promise<void> {
    const secrets: Secret[] = [];
    for (const { name } of pod.spec!.imagePullSecrets ?? []) {
      const secret = name ? await this.options.objects.secret(pod.metadata.namespace!, name) : undefined;
      if (secret) secrets.push(secret);
    }
    const fromSecrets = authsFor(image, secrets);
    const own = (await this.options.login?.authsFor(image)) ?? { auths: [] };
    // A login that is out of date must not keep anybody from what is public.
    const auths = [...fromSecrets, ...own.auths, ...(fromSecrets.length === 0 ? [undefined] : [])];
    let failure: unknown;
    for (const auth of auths) {
      try {
        await this.options.runtime.pullImage(image, { auth, signal, ...wishOf(pod) });
        return;
      } catch (error) {
        failure ??= error;
        if (signal.aborted || !isEngineAnswer(error)) throw error;
      }
    }
    if (!own.problem || !isEngineAnswer(failure)) throw failure;
    throw new RuntimeError(
      `${failure.message} (the credentials of your docker login could not be used: ${own.problem})`,
      failure.code,
    );
  }

  forget(uid: string): void {
    this.backoff.forget(uid);
    for (const map of [this.failures, this.failedAt]) {
      for (const key of map.keys()) if (key.startsWith(uid)) map.delete(key);
    }
  }
}
