import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../support/app';
import type { Supervisor } from './supervisor';
import { sorts, type SortName, type Wish } from './workloads';

interface Entry {
  sort: SortName;
  name: string;
  /** What may be there: one thing once a change was acknowledged, two while it is not known whether it was made. */
  allowed: (Wish | undefined)[];
}

export const mostReplicas = 3;
const deployments = ['red', 'green', 'blue'];

/** Asks things of the API without a pause, and knows what was acknowledged. */
export class User {
  private readonly entries = new Map<string, Entry>();
  /** Changes that were acknowledged, by what they were. */
  readonly done: Record<string, number> = {};

  constructor(
    private readonly supervisor: Supervisor,
    private readonly random: () => number,
  ) {}

  private entry(sort: SortName, name: string): Entry {
    const key = `${sort}/${name}`;
    let entry = this.entries.get(key);
    if (!entry) this.entries.set(key, (entry = { sort, name, allowed: [undefined] }));
    return entry;
  }

  /** The workloads as they were last asked for. @throws Error while one of them is in doubt */
  wishes(): { sort: SortName; name: string; wish: Wish }[] {
    return [...this.entries.values()].flatMap(({ sort, name, allowed }) => {
      if (allowed.length > 1) throw new Error(`it is not known what became of ${sort} ${name}`);
      return allowed[0] && sort !== 'note' ? [{ sort, name, wish: allowed[0] }] : [];
    });
  }

  private find({ sort, name }: Entry): Promise<Answer> {
    return this.supervisor.call('GET', `${sorts[sort].path}/${name}`);
  }

  /** Compares what is there with what was acknowledged. @throws Error when something was lost or came back */
  async settle(entry: Entry): Promise<void> {
    const { status, body, text } = await this.find(entry);
    if (status !== 200 && status !== 404) throw new Error(`reading ${entry.sort} ${entry.name}: ${text}`);
    const found = status === 200 && !body.metadata.deletionTimestamp ? sorts[entry.sort].read(body) : undefined;
    if (!entry.allowed.some((one) => isDeepStrictEqual(one, found)))
      throw new Error(
        `${entry.sort} ${entry.name} is ${JSON.stringify(found)} where ${JSON.stringify(entry.allowed)} was acknowledged`,
      );
    entry.allowed = [found];
  }

  async settleAll(): Promise<void> {
    for (const entry of this.entries.values()) await this.settle(entry);
  }

  /** Makes, changes or removes one object; whether that happened is in doubt until it is acknowledged. */
  async ask(sort: SortName, name: string, wish: Wish | undefined): Promise<void> {
    const entry = this.entry(sort, name);
    if (entry.allowed.length > 1) await this.settle(entry);
    const [old] = entry.allowed;
    if (!old && !wish) return;
    const { path, body } = sorts[sort];
    const what = `${!old ? 'create' : wish ? 'change' : 'delete'} ${sort}`;
    entry.allowed = [old, wish];
    let answer: Answer;
    try {
      answer = !old
        ? await this.supervisor.once('POST', path, body(name, wish!))
        : wish
          ? await this.supervisor.once('PATCH', `${path}/${name}`, body(name, wish))
          : await this.supervisor.once('DELETE', `${path}/${name}`, { propagationPolicy: 'Background' });
    } catch (error) {
      if (this.supervisor.excuses(error)) return;
      throw error;
    }
    if (answer.status >= 300) throw new Error(`${what} ${name}: ${answer.text}`);
    this.done[what] = (this.done[what] ?? 0) + 1;
    entry.allowed = [wish];
  }

  private pick(count: number): number {
    return Math.floor(this.random() * count);
  }

  private async change(): Promise<void> {
    const what = this.random();
    const version = String(this.pick(1000));
    if (what < 0.35)
      return this.ask('note', `note-${this.pick(40)}`, this.random() < 0.75 ? { value: version } : undefined);
    if (what < 0.45) return this.ask('daemonset', 'agent', { version });
    const name = what < 0.6 ? 'db' : deployments[this.pick(deployments.length)]!;
    const sort = name === 'db' ? 'statefulset' : 'deployment';
    const entry = this.entry(sort, name);
    if (entry.allowed.length > 1) await this.settle(entry);
    const [old] = entry.allowed;
    if (!old) return this.ask(sort, name, { replicas: 1 + this.pick(mostReplicas), version });
    const how = this.random();
    return this.ask(
      sort,
      name,
      how < 0.6 ? { ...old, replicas: this.pick(mostReplicas + 1) } : how < 0.85 ? { ...old, version } : undefined,
    );
  }

  /** Goes on until the end is near. */
  async work(until: number): Promise<void> {
    while (Date.now() < until) {
      await this.change();
      await sleep(this.random() * 1500);
    }
  }
}
