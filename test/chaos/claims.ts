import type Docker from 'dockerode';
import { setTimeout as sleep } from 'node:timers/promises';
import { output } from './output';
import type { Supervisor } from './supervisor';
import type { User } from './user';
import { claimTemplate, markerFile, namespace } from './workloads';

export interface ClaimsOptions {
  engine: Docker;
  supervisor: Supervisor;
}

interface Volume {
  Name: string;
}

/** What persists of a workload: its claims, the volumes behind them, and what was written there first. */
export class Claims {
  /** By uid of a claim, what a pod wrote when it first had it. */
  private readonly markers = new Map<string, string>();
  /** By name, the claims that were ever bound. Nobody deletes them. */
  private readonly uids = new Map<string, string>();

  constructor(private readonly options: ClaimsOptions) {}

  private async items(path: string): Promise<any[]> {
    const { status, body, text } = await this.options.supervisor.call('GET', path);
    if (status !== 200) throw new Error(text);
    return body.items;
  }

  private list(): Promise<any[]> {
    return this.items(`/api/v1/namespaces/${namespace}/persistentvolumeclaims`);
  }

  /** What the claim's volume holds now, as the pod sees it that has it; undefined when none can tell. */
  private async read(claim: any): Promise<string | undefined> {
    const { engine, supervisor } = this.options;
    const pod = claim.metadata.name.slice(claimTemplate.metadata.name.length + 1);
    const label = [
      `gantry.dev/cluster=${supervisor.clusterId}`,
      'gantry.dev/kind=app',
      `gantry.dev/pod-namespace=${namespace}`,
      `gantry.dev/pod-name=${pod}`,
    ];
    const [found] = await engine.listContainers({ filters: { label, status: ['running'] } });
    return found && output(engine, found.Id, ['cat', markerFile]);
  }

  /** Notes what is in volumes when it is first seen, until the end. What does not answer is left for the next look. */
  async work(until: number): Promise<void> {
    while (Date.now() < until) {
      await Promise.race([this.note().catch(() => {}), sleep(5_000)]);
      await sleep(1_000);
    }
  }

  private async note(): Promise<void> {
    for (const claim of await this.list()) {
      const { name, uid } = claim.metadata;
      if (claim.status?.phase === 'Bound' && !this.uids.has(name)) this.uids.set(name, uid);
      if (this.markers.has(uid)) continue;
      const marker = await this.read(claim);
      if (marker && /^\S+ \S+\n$/.test(marker)) this.markers.set(uid, marker);
    }
  }

  /** How many markers it knows. */
  get known(): number {
    return this.markers.size;
  }

  /** What of claims and their data is not as it was asked for, and written. */
  async differences(user: User): Promise<string[]> {
    const claims = await this.list();
    const found: string[] = [];
    const byName = new Map(claims.map((claim) => [claim.metadata.name as string, claim]));
    const names = new Set(this.uids.keys());
    for (const { sort, name, wish } of user.wishes())
      if (sort === 'statefulset')
        for (let ordinal = 0; ordinal < wish.replicas!; ordinal++)
          names.add(`${claimTemplate.metadata.name}-${name}-${ordinal}`);
    for (const name of names) {
      const claim = byName.get(name);
      const uid = this.uids.get(name);
      if (!claim) found.push(`claim ${name} is gone`);
      else if (uid && uid !== claim.metadata.uid) found.push(`claim ${name} is another than before`);
    }
    for (const claim of claims) {
      const { name, uid } = claim.metadata;
      if (claim.status?.phase !== 'Bound') found.push(`claim ${name} is ${claim.status?.phase}`);
      const wanted = this.markers.get(uid);
      if (!wanted) continue;
      const marker = await this.read(claim).catch((error: Error) => error.message);
      if (marker !== undefined && marker !== wanted)
        found.push(`claim ${name} holds ${JSON.stringify(marker)}, not ${JSON.stringify(wanted)}`);
    }
    return found;
  }

  /** PersistentVolumes without a claim or without a volume of the engine. @param volumes all of the engine */
  async leaks(volumes: Volume[]): Promise<{ leaks: string[]; handles: Set<string> }> {
    const claims = new Set((await this.list()).map((claim) => claim.metadata.uid));
    const persistent = await this.items('/api/v1/persistentvolumes');
    const names = new Set(volumes.map(({ Name }) => Name));
    const handles = new Set<string>(persistent.map((one) => one.spec.csi?.volumeHandle));
    const leaks: string[] = [];
    for (const { metadata, spec, status } of persistent) {
      if (!claims.has(spec.claimRef?.uid))
        leaks.push(`persistentvolume ${metadata.name} (${status?.phase}) of no claim`);
      if (!names.has(spec.csi?.volumeHandle)) leaks.push(`persistentvolume ${metadata.name} has no volume behind it`);
    }
    return { leaks, handles };
  }
}
