import type { Runtime } from './kubelet/runtime/types';
import type { TaskList } from './tasks';

/** The runtime with each image pull shown as a task that can be cancelled. */
export function showPulls(runtime: Runtime, tasks: TaskList): Runtime {
  const pullImage: Runtime['pullImage'] = (reference, pull = {}) =>
    tasks.run(`Pulling image ${reference}`, async (task) => {
      const layers = new Map<string, { current: number; total: number }>();
      const signal = pull.signal ? AbortSignal.any([pull.signal, task.signal]) : task.signal;
      await runtime.pullImage(reference, {
        ...pull,
        signal,
        onProgress(progress) {
          pull.onProgress?.(progress);
          if (progress.layer && progress.total)
            layers.set(progress.layer, { current: progress.current ?? 0, total: progress.total });
          const total = [...layers.values()].reduce((sum, layer) => sum + layer.total, 0);
          const current = [...layers.values()].reduce((sum, layer) => sum + layer.current, 0);
          task.update({ detail: progress.status, ...(total ? { progress: Math.min(1, current / total) } : {}) });
        },
      });
    });
  return Object.assign(Object.create(runtime) as Runtime, { pullImage });
}
