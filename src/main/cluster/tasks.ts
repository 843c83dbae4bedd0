import type { Task } from '@shared/bridge/contract';
import type { Clock } from './clock';

/** A long action as the one who does it sees it. */
export interface RunningTask {
  /** Aborted when the user cancels. */
  readonly signal: AbortSignal;
  update(change: { detail?: string; progress?: number }): void;
}

export interface TaskList {
  list(): Task[];
  onChange(listener: () => void): () => void;
  /** False when no such task runs. */
  cancel(id: string): boolean;
  /** Runs `work` as a task that the user sees and may cancel. Its failure is shown and thrown on. */
  run<T>(title: string, work: (task: RunningTask) => Promise<T>): Promise<T>;
}

/** How long an ended task stays listed, in ms. */
const lingerMs = { done: 4_000, failed: 60_000, cancelled: 4_000 };
/** Listeners hear of progress at most this often, in ms. */
const noticeMs = 200;

/** What the user is shown of everything that takes long (image pulls, start-up, drains). */
export function createTaskList(clock: Clock): TaskList {
  const tasks = new Map<string, { task: Task; abort: AbortController }>();
  const listeners = new Set<() => void>();
  let counter = 0;
  let due = false;
  const notify = () => {
    due = false;
    for (const listener of listeners) listener();
  };
  const notifySoon = () => {
    if (due) return;
    due = true;
    clock.setTimeout(notify, noticeMs);
  };

  return {
    list: () => [...tasks.values()].map(({ task }) => ({ ...task })),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    cancel(id) {
      const entry = tasks.get(id);
      if (entry?.task.state !== 'running') return false;
      entry.abort.abort(new Error('cancelled by the user'));
      return true;
    },
    async run(title, work) {
      const id = `task-${++counter}`;
      const abort = new AbortController();
      const task: Task = { id, title, state: 'running', cancellable: true, startedAt: clock.now() };
      tasks.set(id, { task, abort });
      notify();
      const end = (state: 'done' | 'failed' | 'cancelled', error?: string) => {
        Object.assign(task, { state, cancellable: false, ...(error ? { error } : {}) });
        clock.setTimeout(() => {
          tasks.delete(id);
          notify();
        }, lingerMs[state]);
        notify();
      };
      try {
        const result = await work({
          signal: abort.signal,
          update(change) {
            Object.assign(task, change);
            notifySoon();
          },
        });
        end('done');
        return result;
      } catch (error) {
        end(abort.signal.aborted ? 'cancelled' : 'failed', error instanceof Error ? error.message : String(error));
        throw error;
      }
    },
  };
}
