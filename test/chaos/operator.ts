import { setTimeout as sleep } from 'node:timers/promises';
import type { Supervisor } from './supervisor';

/** A node that is lost for a while, with the name that `--nodes 2` gives it. */
const lost = 'gantry-2';
/** A node that comes and goes. */
const guest = 'guest';

/** Does to nodes, in the window, what operators do: a node joins and is removed, another is lost and comes back. */
export class Operator {
  constructor(private readonly supervisor: Supervisor) {}

  /** Until it is done: the app may be dead, the engine may not answer. `settled` says what counts as done all the same. */
  private async insist(method: string, params: object, settled: RegExp, until: number): Promise<void> {
    for (;;) {
      try {
        await this.supervisor.window(method, { cluster: 'gantry', ...params });
        return;
      } catch (error) {
        const { message } = error as Error;
        if (settled.test(message)) return;
        if (Date.now() > until) throw new Error(`${method}: ${message}`, { cause: error });
        await sleep(500);
      }
    }
  }

  async work(until: number): Promise<void> {
    const from = Date.now();
    const latest = until + 60_000;
    const at = (share: number) => sleep(Math.max(0, from + (until - from) * share - Date.now()));
    await at(0.05);
    await this.insist('node.add', { kind: 'docker', name: guest, pods: '20' }, /already exists/, latest);
    await at(0.15);
    // Long enough for its pods to be given up after the 40 s that a silent node has, unless the app is killed meanwhile.
    await this.insist('node.power', { name: lost, on: false }, /not found/, latest);
    await at(0.75);
    await this.insist('node.power', { name: lost, on: true }, /^$/, latest);
    await at(0.85);
    await this.insist('node.remove', { name: guest, force: true }, /not found/, latest);
  }
}
