import { PodScheduler, type Scheduler, type SchedulerFigures, type SchedulerOptions } from './scheduler';

export type { Scheduler, SchedulerFigures, SchedulerOptions };
export { defaultSettings, type Placing, type SchedulerSettings } from './settings';

/** Builds the scheduler. It asks for its informers here and starts them with `start()`. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  return new PodScheduler(options);
}
