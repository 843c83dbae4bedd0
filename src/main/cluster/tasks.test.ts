import { expect, test, vi } from 'vitest';
import { FakeClock } from './clock';
import { createTaskList } from './tasks';

test('a task is listed with its progress and leaves a while after it is done', async () => {
  const clock = new FakeClock();
  const tasks = createTaskList(clock);
  const changed = vi.fn();
  tasks.onChange(changed);
  let finish!: () => void;
  const running = tasks.run('Pulling web:v1', async (task) => {
    task.update({ detail: '1 of 2 layers', progress: 0.5 });
    await new Promise<void>((resolve) => (finish = resolve));
    return 7;
  });
  expect(tasks.list()).toMatchObject([{ title: 'Pulling web:v1', state: 'running', progress: 0.5, cancellable: true }]);
  finish();
  expect(await running).toBe(7);
  expect(tasks.list()).toMatchObject([{ state: 'done', cancellable: false }]);
  await clock.advance(5_000);
  expect(tasks.list()).toEqual([]);
  expect(changed).toHaveBeenCalled();
});

test('a failure keeps its reason and is thrown on; a cancel aborts', async () => {
  const tasks = createTaskList(new FakeClock());
  await expect(tasks.run('Pulling', () => Promise.reject(new Error('manifest unknown')))).rejects.toThrow(
    'manifest unknown',
  );
  expect(tasks.list()[0]).toMatchObject({ state: 'failed', error: 'manifest unknown' });

  const cancelled = tasks.run(
    'Pulling',
    (task) => new Promise((_, reject) => task.signal.addEventListener('abort', () => reject(task.signal.reason))),
  );
  const id = tasks.list()[1]!.id;
  expect(tasks.cancel(id)).toBe(true);
  await expect(cancelled).rejects.toThrow('cancelled by the user');
  expect(tasks.cancel(id)).toBe(false);
});
