import { createHash } from 'node:crypto';
import type { Pod } from '@shared/k8s';
import type { EventRecorder } from '../../client/events';
import type { Logger } from '../../log';
import { removal } from './render';

/** The network namespaces of pods, as the engine has them. */
export interface PodNetworks {
  /** Of those whose sandboxes run, sandbox ids by uid of the pod. */
  list(): Promise<Map<string, string>>;
  /** Runs `nft -f -` in one. @returns false when it is gone @throws Error with what was said when the rules were refused */
  load(sandboxId: string, rules: string): Promise<boolean>;
}

/** Keeps what is in the kernel's hands from one run of the app to the next. */
export interface RuleMemory {
  read(): Promise<Record<string, string>>;
  write(known: Record<string, string>): Promise<void>;
}

/** How many commands are run at a time. */
const concurrency = 4;
/** In the place of a hash while it is not known which rules hold. */
const unknown = '?';

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Brings rules into the network namespaces of pods and knows which are there. One change at a time per namespace. */
export class PolicyAgent {
  private readonly sandboxes = new Map<string, string>();
  /** Hashes by sandbox; those that are not listed have no rules. */
  private readonly loaded = new Map<string, string>();
  private readonly busy = new Map<string, Promise<void>>();
  private saving: Promise<void> | undefined;
  private dirty = false;

  constructor(
    private readonly networks: PodNetworks,
    private readonly memory: RuleMemory,
    private readonly recorder: EventRecorder,
    private readonly log: Logger,
    /** What should hold for a pod now; undefined for no rules. */
    private readonly wanted: (pod: Pod) => string | undefined,
  ) {}

  /** Learns what an earlier run left. */
  async adopt(): Promise<void> {
    const [known, running] = await Promise.all([this.memory.read(), this.networks.list()]);
    for (const [uid, id] of running) {
      if (!this.sandboxes.has(uid)) this.sandboxes.set(uid, id);
      if (known[id] !== undefined && !this.loaded.has(id)) this.loaded.set(id, known[id]);
    }
  }

  /** A pod's sandbox is this one from now on. */
  attach(uid: string, sandboxId: string): void {
    const before = this.sandboxes.get(uid);
    if (before && before !== sandboxId) this.loaded.delete(before);
    this.sandboxes.set(uid, sandboxId);
  }

  detach(uid: string): void {
    const id = this.sandboxes.get(uid);
    this.sandboxes.delete(uid);
    if (id) this.loaded.delete(id);
  }

  /** Whether any pod may have rules. */
  active(): boolean {
    return this.loaded.size > 0;
  }

  /** Whether a namespace has been given rules, be they the newest or not. */
  isGuarded(sandboxId: string): boolean {
    const hash = this.loaded.get(sandboxId);
    return hash !== undefined && hash !== unknown;
  }

  /** Changes what is not as it should be. @throws Error when that failed for some pods, after trying all */
  async sync(pods: readonly Pod[]): Promise<void> {
    const due = pods.filter((pod) => this.isDue(pod));
    const failures: Error[] = [];
    const work = async (): Promise<void> => {
      for (let pod = due.shift(); pod; pod = due.shift()) {
        try {
          await this.load(pod);
        } catch (error) {
          this.recorder.event(pod, 'Warning', 'FailedApplyNetworkPolicy', (error as Error).message);
          failures.push(error as Error);
        }
      }
    };
    const count = due.length;
    await Promise.all(Array.from({ length: Math.min(concurrency, count) }, work));
    if (count > 0) this.log.debug('the rules of network policies are loaded', { pods: count - failures.length });
    if (failures[0]) throw failures[0];
  }

  /** Brings one pod's rules up to date. @throws Error when they were refused: it is then not known which hold */
  async load(pod: Pod): Promise<void> {
    const id = this.sandboxes.get(pod.metadata.uid);
    if (!id) return;
    const run = (this.busy.get(id) ?? Promise.resolve()).catch(() => {}).then(() => this.loadNow(pod, id));
    this.busy.set(id, run);
    try {
      await run;
    } finally {
      if (this.busy.get(id) === run) this.busy.delete(id);
    }
  }

  private isDue(pod: Pod): boolean {
    const id = this.sandboxes.get(pod.metadata.uid);
    if (!id) return false;
    const text = this.wanted(pod);
    return this.loaded.get(id) !== (text === undefined ? undefined : hashOf(text));
  }

  private async loadNow(pod: Pod, id: string): Promise<void> {
    if (this.sandboxes.get(pod.metadata.uid) !== id || !this.isDue(pod)) return;
    const text = this.wanted(pod);
    // Told before it is done: if the app ends in between, the next one looks after it.
    this.loaded.set(id, unknown);
    await this.save();
    if (!(await this.networks.load(id, text ?? removal))) return void this.loaded.delete(id);
    if (text === undefined) this.loaded.delete(id);
    else this.loaded.set(id, hashOf(text));
    this.save().catch((error: Error) => this.log.warn('the state of network policies could not be kept', { error }));
  }

  /** Calls that come together are one. */
  private save(): Promise<void> {
    this.dirty = true;
    this.saving ??= this.saveAll();
    return this.saving;
  }

  private async saveAll(): Promise<void> {
    try {
      while (this.dirty) {
        this.dirty = false;
        await this.memory.write(Object.fromEntries(this.loaded));
      }
    } finally {
      this.saving = undefined;
    }
  }
}
