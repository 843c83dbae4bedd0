import type { Task } from '@shared/bridge/contract';
import type { Clock } from '../cluster/clock';
import type { EmbeddedTasks } from './embedded';

/** How long a task that ended is still shown, in ms. A failed one stays until the app ends. */
const SHOWN_AFTER = 60_000;

export interface TaskHandle {
  progress(fraction: number | undefined, detail?: string): void;
  done(): void;
  fail(error: string): void;
}

export interface TaskBoard extends EmbeddedTasks {
  /** Shows a new task; with `cancel` it can be cancelled. */
  start(title: string, options?: { detail?: string; cancel?: () => void }): TaskHandle;
}

/** The app's own long actions, shown together with those of the embedded cluster. */
export function createTaskBoard(embedded: EmbeddedTasks, clock: Clock): TaskBoard {
  const tasks = new Map<string, Task>();
  const cancels = new Map<string, () => void>();
  const listeners = new Set<() => void>();
  let count = 0;
  const changed = () => listeners.forEach((listener) => listener());
  const update = (id: string, change: Partial<Task>) => {
    const task = tasks.get(id);
    if (task?.state !== 'running') return;
    tasks.set(id, { ...task, ...change });
    if (change.state) {
      cancels.delete(id);
      if (change.state !== 'failed') {
        clock.setTimeout(() => {
          tasks.delete(id);
          changed();
        }, SHOWN_AFTER);
      }
    }
    changed();
  };
  return {
    list: () => [...embedded.list(), ...tasks.values()].sort((a, b) => a.startedAt - b.startedAt),
    onChange(listener) {
      listeners.add(listener);
      const remove = embedded.onChange(listener);
      return () => {
        listeners.delete(listener);
        remove();
      };
    },
    cancel(id) {
      const cancel = cancels.get(id);
      if (!cancel) return embedded.cancel(id);
      update(id, { state: 'cancelled', cancellable: false });
      cancel();
      return true;
    },
    start(title, options = {}) {
      const id = `app-${(count += 1)}`;
      if (options.cancel) cancels.set(id, options.cancel);
      tasks.set(id, {
        id,
        title,
        ...(options.detail ? { detail: options.detail } : {}),
        state: 'running',
        cancellable: options.cancel !== undefined,
        startedAt: clock.now(),
      });
      changed();
      return {
        progress: (progress, detail) => update(id, { progress, ...(detail ? { detail } : {}) }),
        done: () => update(id, { state: 'done', progress: 1, cancellable: false }),
        fail: (error) => update(id, { state: 'failed', error, cancellable: false }),
      };
    },
  };
}
