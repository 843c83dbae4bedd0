import type Docker from 'dockerode';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Supervisor } from './supervisor';

/** More than this, and back-off alone would outlast the test. */
const mostStrikes = 3;

export interface MayhemOptions {
  engine: Docker;
  supervisor: Supervisor;
  random: () => number;
  /** Restarts the engine; absent where that is not allowed. */
  restartEngine?: () => Promise<void>;
}

/** Breaks things behind the cluster's back, at random, one after the other and some at the same time. */
export class Mayhem {
  private readonly strikes = new Map<string, number>();
  private readonly later: Promise<void>[] = [];
  /** What was done how often. */
  readonly done: Record<string, number> = {};

  constructor(private readonly options: MayhemOptions) {}

  private count(what: string): void {
    this.done[what] = (this.done[what] ?? 0) + 1;
  }

  private async victim(): Promise<Docker.ContainerInfo | undefined> {
    const { engine, supervisor, random } = this.options;
    const filters = { label: [`gantry.dev/cluster=${supervisor.clusterId}`] };
    const struck = ({ Labels }: Docker.ContainerInfo) => this.strikes.get(Labels['gantry.dev/pod-uid'] ?? '') ?? 0;
    const running = (await engine.listContainers({ filters })).filter((one) => struck(one) < mostStrikes);
    // The engine's order is that of creation, to the second.
    return running.toSorted((a, b) => (a.Names[0]! < b.Names[0]! ? -1 : 1))[Math.floor(random() * running.length)];
  }

  private async strike(): Promise<void> {
    const { engine, random } = this.options;
    const found = await this.victim();
    const what = random();
    const pauseMs = 500 + random() * 4000;
    if (!found) return;
    const uid = found.Labels['gantry.dev/pod-uid'] ?? '';
    this.strikes.set(uid, (this.strikes.get(uid) ?? 0) + 1);
    const one = engine.getContainer(found.Id);
    const kind = found.Labels['gantry.dev/kind'];
    if (what < 0.3) {
      this.count(`kill ${kind}`);
      await one.kill();
    } else if (what < 0.6) {
      this.count(`rm -f ${kind}`);
      await one.remove({ force: true });
    } else if (what < 0.8) {
      this.count(`restart ${kind}`);
      await one.restart({ t: 0 });
    } else {
      this.count(`pause ${kind}`);
      await one.pause();
      this.later.push(
        sleep(pauseMs)
          .then(() => one.unpause())
          .catch(() => {}),
      );
    }
  }

  /** Strikes until the end is near; the app is killed now and then, the engine restarted once, half way. */
  async work(until: number): Promise<void> {
    const { supervisor, random, restartEngine } = this.options;
    const from = Date.now();
    let nextCrash = from + 8_000 + random() * 8_000;
    let restartAt = restartEngine ? from + (until - from) / 2 : Infinity;
    while (Date.now() < until) {
      if (Date.now() >= restartAt) {
        restartAt = Infinity;
        this.count('restart engine');
        await restartEngine!();
      } else if (Date.now() >= nextCrash) {
        nextCrash = Date.now() + 12_000 + random() * 10_000;
        this.count('kill -9 app');
        await supervisor.crash(random() * 3_000);
      } else {
        // A slow engine is no reason to strike less. The container may have ended by itself meanwhile.
        const strike = this.strike().catch((error: { statusCode?: number }) => {
          if (error.statusCode && ![304, 404, 409, 500].includes(error.statusCode)) throw error;
        });
        this.later.push(strike);
        await Promise.race([strike, sleep(1500)]);
      }
      await sleep(200 + random() * 1300);
    }
    await Promise.all(this.later);
  }
}
