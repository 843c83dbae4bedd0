import type { KubeObject, Status } from '@shared/k8s';
import { ApiError } from '../cluster/api/errors';
import { resourcePath } from '../cluster/client/resources';
import type { CommandCall } from './command';
import { isNotFound, KubectlError } from './errors';
import { targetPath, type Target } from './resources';

export const timeoutText = 'timed out waiting for the condition';

/**
 * Follows one object until `check` is satisfied. The object is undefined while it does not exist.
 * @param deadline ms since the epoch; undefined waits for ever
 * @throws KubectlError at the deadline, ApiError when the server refuses
 */
export async function followObject(
  call: CommandCall,
  target: Target,
  check: (object: KubeObject | undefined) => boolean,
  deadline?: number,
): Promise<void> {
  const { session } = call;
  const late = (): KubectlError => new KubectlError(timeoutText);
  for (;;) {
    const started = Date.now();
    const list = await session.request<{ items: KubeObject[]; metadata: { resourceVersion: string } }>({
      method: 'GET',
      path: resourcePath(target.mapping, target.namespace),
      query: { fieldSelector: `metadata.name=${target.name}` },
    });
    if (check(list.body.items[0])) return;
    if (deadline !== undefined && Date.now() >= deadline) throw late();
    const stream = await session.watch<KubeObject>({
      method: 'GET',
      path: resourcePath(target.mapping, target.namespace),
      query: { fieldSelector: `metadata.name=${target.name}`, resourceVersion: list.body.metadata.resourceVersion },
    });
    let expired = false;
    const timer =
      deadline === undefined
        ? undefined
        : setTimeout(
            () => {
              expired = true;
              stream.close();
            },
            Math.max(0, deadline - Date.now()),
          );
    try {
      for await (const event of stream) {
        if (event.type === 'ERROR') {
          // A watch that fell too far behind starts again from a list.
          if ((event.object as Status).code === 410) break;
          throw new ApiError(event.object as Status);
        }
        if (event.type !== 'BOOKMARK' && check(event.type === 'DELETED' ? undefined : event.object)) return;
      }
    } catch (error) {
      if (!expired) throw error;
    } finally {
      clearTimeout(timer);
      stream.close();
    }
    if (expired) throw late();
    if (call.io.signal?.aborted) throw new DOMException('interrupted', 'AbortError');
    // A server that ends every watch at once must not be asked without pause.
    if (Date.now() - started < 100) await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Waits until an object, or the one with this uid, is gone. @throws as followObject */
export async function untilGone(
  call: CommandCall,
  target: Target,
  uid: string | undefined,
  deadline?: number,
): Promise<void> {
  const gone = (object: KubeObject | undefined): boolean =>
    !object || (uid !== undefined && object.metadata?.uid !== uid);
  try {
    const { body } = await call.session.request<KubeObject>({ method: 'GET', path: targetPath(target) });
    if (gone(body)) return;
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
  await followObject(call, target, gone, deadline);
}
