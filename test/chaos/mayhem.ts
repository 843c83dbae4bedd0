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
  /** Makes the engine hang and lets it go on; absent where that is not allowed. */
  hang?: { freeze(): void; thaw(): void };
  /** Lets a paused container go on that the engine does not; absent where that is not allowed. */
  release?(id: string): void;
  /** Names of the nodes that say they are Ready. */
  readyNodes(): Promise<string[]>;
}

/** A node that lists its containers every 10 s and waits 15 s for an answer has noticed by then, even after a crash. */
const longestHangMs = 60_000;

/** Longer than the engine hangs. */
const longestUnpauseMs = longestHangMs + 10_000;

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

  private async victim(status: 'running' | 'exited'): Promise<Docker.ContainerInfo | undefined> {
    const { engine, supervisor, random } = this.options;
    const filters = { label: [`gantry.dev/cluster=${supervisor.clusterId}`], status: [status] };
    const struck = ({ Labels }: Docker.ContainerInfo) => this.strikes.get(Labels['gantry.dev/pod-uid'] ?? '') ?? 0;
    const all = await engine.listContainers({ all: true, filters });
    const candidates = all.filter((one) => status === 'exited' || struck(one) < mostStrikes);
    // The engine's order is that of creation, to the second.
    return candidates.toSorted((a, b) => (a.Names[0]! < b.Names[0]! ? -1 : 1))[
      Math.floor(random() * candidates.length)
    ];
  }

  /** Starts a container that has ended, as whoever sees it in a list may do. @param known one of which it is known */
  private async startAgain(known?: Docker.Container): Promise<void> {
    const found = known?.id ?? (await this.victim('exited'))?.Id;
    if (!found) return;
    try {
      await this.options.engine.getContainer(found).start();
      this.count('start ended');
    } catch (error) {
      // What it needs may be gone: its sandbox, its volumes.
      if (!(error as { statusCode?: number }).statusCode) throw error;
    }
  }

  private async unpause(one: Docker.Container): Promise<void> {
    // It may be gone, or have been killed.
    const answered = one.unpause().then(
      () => true,
      () => true,
    );
    if (await Promise.race([answered, sleep(longestUnpauseMs, false)])) return;
    const { release } = this.options;
    if (!release) throw new Error(`the engine does not unpause container ${one.id}`);
    this.count('release paused');
    release(one.id);
    await answered;
    await one.restart({ t: 0 }).catch(() => {});
  }

  private async strike(): Promise<void> {
    const { engine, random } = this.options;
    const what = random();
    if (what >= 0.75) return this.startAgain();
    const found = await this.victim('running');
    const pauseMs = 500 + random() * 4000;
    if (!found) return;
    const uid = found.Labels['gantry.dev/pod-uid'] ?? '';
    this.strikes.set(uid, (this.strikes.get(uid) ?? 0) + 1);
    const one = engine.getContainer(found.Id);
    const kind = found.Labels['gantry.dev/kind'];
    if (what < 0.2) {
      this.count(`kill ${kind}`);
      await one.kill();
      // By then another has taken its place.
      if (kind === 'app')
        this.later.push(
          sleep(2_000 + pauseMs)
            .then(() => this.startAgain(one))
            .catch(() => {}),
        );
    } else if (what < 0.4) {
      this.count(`rm -f ${kind}`);
      await one.remove({ force: true });
    } else if (what < 0.55) {
      this.count(`restart ${kind}`);
      await one.restart({ t: 0 });
    } else {
      this.count(`pause ${kind}`);
      await one.pause();
      this.later.push(sleep(pauseMs).then(() => this.unpause(one)));
    }
  }

  /** The engine hangs until all nodes have noticed. @throws Error when they do not */
  private async hang(): Promise<void> {
    const { hang, readyNodes } = this.options;
    const from = Date.now();
    this.count('hang engine');
    hang!.freeze();
    try {
      for (let ready = ['?']; ready.length > 0; ready = await readyNodes()) {
        if (Date.now() > from + longestHangMs)
          throw new Error(`nodes are Ready although their engine hangs: ${ready.join()}`);
        await sleep(500);
      }
    } finally {
      hang!.thaw();
      this.done['seconds it hung'] = Math.round((Date.now() - from) / 1000);
    }
  }

  /**
   * Strikes until the end is near; the app is killed now and then, the engine hangs for a while early on and is
   * restarted once, half way.
   */
  async work(until: number): Promise<void> {
    const { supervisor, random, restartEngine, hang } = this.options;
    const from = Date.now();
    let nextCrash = from + 8_000 + random() * 8_000;
    let hangAt = hang ? from + (until - from) / 10 : Infinity;
    let hanging = false;
    let restartAt = restartEngine ? from + (until - from) / 2 : Infinity;
    while (Date.now() < until) {
      if (Date.now() >= hangAt) {
        hangAt = Infinity;
        hanging = true;
        const over = this.hang().finally(() => (hanging = false));
        // Who waits for all that was begun hears of it.
        over.catch(() => {});
        this.later.push(over);
      } else if (Date.now() >= restartAt && !hanging) {
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
