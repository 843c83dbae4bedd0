import type Docker from 'dockerode';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Claims } from './claims';
import { output } from './output';
import type { Supervisor } from './supervisor';
import type { User } from './user';
import { namespace } from './workloads';

export interface InspectionOptions {
  engine: Docker;
  supervisor: Supervisor;
  /** Nobody else uses the engine: whatever is there without the cluster's label is a leak too. */
  alone: boolean;
}

/** What `--nodes 2` gives. */
const expectedNodes = ['gantry', 'gantry-2'];

const hasCondition = (object: any, type: string): boolean =>
  object.status?.conditions?.some((one: any) => one.type === type && one.status === 'True') ?? false;
const nameOf = (pod: any): string => `${pod.metadata.namespace}/${pod.metadata.name}`;

/** Where the world is not as it was asked for. */
export class Inspection {
  readonly claims: Claims;

  constructor(private readonly options: InspectionOptions) {
    this.claims = new Claims(options);
  }

  private async items(path: string): Promise<any[]> {
    const { status, body, text } = await this.options.supervisor.call('GET', path);
    if (status !== 200) throw new Error(text);
    return body.items;
  }

  private get filters() {
    return { label: [`gantry.dev/cluster=${this.options.supervisor.clusterId}`] };
  }

  /** Names of the nodes that say they are Ready. */
  async readyNodes(): Promise<string[]> {
    const nodes = await this.items('/api/v1/nodes');
    return nodes.filter((node) => hasCondition(node, 'Ready')).map((node) => node.metadata.name as string);
  }

  /** What of the API is not as the user asked for. */
  async differences(user: User): Promise<string[]> {
    const pods = await this.items('/api/v1/pods');
    const nodes = await this.items('/api/v1/nodes');
    const found: string[] = nodes
      .filter((node) => !hasCondition(node, 'Ready'))
      .map((node) => `node ${node.metadata.name} is not Ready`);
    const names = nodes.map((node) => node.metadata.name as string).toSorted();
    if (String(names) !== String(expectedNodes)) found.push(`the nodes are ${names.join()}`);
    const wishes = user.wishes();
    for (const { sort, name, wish } of wishes) {
      const own = pods.filter((pod) => pod.metadata.namespace === namespace && pod.metadata.labels?.app === name);
      const wanted = sort === 'daemonset' ? nodes.length : wish.replicas!;
      const good = own.filter((pod) => hasCondition(pod, 'Ready') && !pod.metadata.deletionTimestamp);
      const current = good.filter((pod) => pod.spec.containers[0].env[0].value === wish.version);
      if (own.length !== wanted || current.length !== wanted)
        found.push(`${name}: ${own.length} pods, ${good.length} ready, ${current.length} current, ${wanted} wanted`);
      for (const pod of own.filter((one) => !good.includes(one)))
        found.push(`${nameOf(pod)}: ${JSON.stringify(pod.status?.containerStatuses?.[0]?.state ?? pod.status)}`);
    }
    const jobs = await this.items(`/apis/batch/v1/namespaces/${namespace}/jobs`);
    for (const job of jobs)
      if (!hasCondition(job, 'Complete') || job.status.succeeded !== job.spec.completions)
        found.push(`job ${job.metadata.name}: ${JSON.stringify(job.status)}`);
    const system = pods.filter((one) => one.metadata.namespace === 'kube-system');
    for (const pod of system) if (!hasCondition(pod, 'Ready')) found.push(`${nameOf(pod)} is not Ready`);
    for (const [app, wanted] of [
      ['kube-proxy', nodes.length],
      ['kube-dns', 1],
    ]) {
      const count = system.filter((pod) => pod.metadata.labels?.['k8s-app'] === app).length;
      if (count !== wanted) found.push(`${app}: ${count} pods, ${wanted} wanted`);
    }
    return [...found, ...(await this.claims.differences(user))];
  }

  /** What on the engine and on disk is not as the API says. */
  async leaks(): Promise<string[]> {
    const { engine, supervisor, alone } = this.options;
    const pods = await this.items('/api/v1/pods');
    const byUid = new Map(pods.map((pod) => [pod.metadata.uid as string, pod]));
    const found: string[] = [];
    const listed = await engine.listContainers({ all: true, ...(alone ? {} : { filters: this.filters }) });
    const running = new Map<string, string[]>();
    for (const { Labels, State, Names } of listed) {
      const uid = Labels['gantry.dev/pod-uid'] ?? '';
      const kind = Labels['gantry.dev/kind'];
      const what = kind === 'sandbox' ? kind : `${kind} ${Labels['gantry.dev/container-name']}`;
      if (!byUid.has(uid)) found.push(`container ${Names[0]} (${State}) of a pod that is gone`);
      if (State === 'paused') found.push(`container ${Names[0]} is paused`);
      if (State === 'running') running.set(uid, [...(running.get(uid) ?? []), what].toSorted());
    }
    for (const [uid, pod] of byUid) {
      const over = ['Succeeded', 'Failed'].includes(pod.status?.phase);
      const wanted = over ? [] : [...pod.spec.containers.map((one: any) => `app ${one.name}`), 'sandbox'];
      const runs = running.get(uid) ?? [];
      if (String(runs) !== String(wanted.toSorted())) found.push(`${nameOf(pod)} runs as [${runs}], not [${wanted}]`);
    }
    const volumes = (await engine.listVolumes(alone ? {} : { filters: this.filters })).Volumes ?? [];
    const { leaks, handles } = await this.claims.leaks(volumes);
    found.push(...leaks);
    for (const { Name, Labels } of volumes)
      if (!handles.has(Name) && !byUid.has(Labels?.['gantry.dev/pod-uid'] ?? ''))
        found.push(`volume ${Name} of no pod and no claim`);
    const networks = (await engine.listNetworks(alone ? {} : { filters: this.filters })).filter(
      ({ Name }) => !['none', 'host', 'bridge'].includes(Name),
    );
    if (networks.length !== 1) found.push(`networks: ${networks.map(({ Name }) => Name).join()}`);
    const directory = join(supervisor.directory!, 'volumes');
    for (const node of await readdir(directory, { withFileTypes: true })) {
      if (!node.isDirectory()) continue;
      for (const uid of await readdir(join(directory, node.name)))
        if (byUid.get(uid)?.spec.nodeName !== node.name) found.push(`directory volumes/${node.name}/${uid} of no pod`);
    }
    return found;
  }

  /**
   * Whether the engine keeps a volume of a pod that is gone because it believes it mounted, although no container has
   * it: engines miscount that when containers end while they start, and count anew when they are started (seen with 20.10).
   */
  async engineMiscounts(): Promise<boolean> {
    const { engine } = this.options;
    const pods = new Set((await this.items('/api/v1/pods')).map((pod) => pod.metadata.uid as string));
    const used = (await engine.listContainers({ all: true })).flatMap(({ Mounts }) => Mounts.map(({ Name }) => Name));
    for (const { Name, Labels } of (await engine.listVolumes({ filters: this.filters })).Volumes ?? []) {
      const uid = Labels['gantry.dev/pod-uid'];
      if (!uid || pods.has(uid) || used.includes(Name)) continue;
      const answer = await engine
        .getVolume(Name)
        .remove()
        .catch((error: Error) => error);
      if (answer instanceof Error && answer.message.includes('has active mounts')) return true;
    }
    return false;
  }

  /** Pods of the workload that a pod on each node reaches by the name of a service, through DNS and kube-proxy. */
  async answers(app: string, host: string): Promise<string[][]> {
    const { engine } = this.options;
    const label = [...this.filters.label, 'gantry.dev/kind=app', `gantry.dev/pod-namespace=${namespace}`];
    const listed = await engine.listContainers({ filters: { label } });
    const askers = listed.filter(({ Labels }) => Labels['gantry.dev/pod-name']!.startsWith(`${app}-`));
    const get = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 $address 80 | tail -n 1`;
    const find = `address=$(nslookup ${host} | grep ^Address | tail -n 1 | grep -o '[0-9.]*$')`;
    const script = `${find}; for i in $(seq 20); do ${get} || echo failed; done`;
    return Promise.all(
      askers.map(async ({ Id }) => {
        const lines = (await output(engine, Id, ['sh', '-c', script])).split('\n');
        return [...new Set(lines.filter(Boolean))].toSorted();
      }),
    );
  }

  /** Names of a workload's pods, in order. */
  async podsOf(app: string): Promise<string[]> {
    const pods = await this.items(`/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${app}`);
    return pods.map((pod) => pod.metadata.name as string).toSorted();
  }

  /** What on the engine belongs to the namespace, or to the whole cluster. */
  async left(wholeCluster = false): Promise<string[]> {
    const { engine } = this.options;
    const own = ({ Labels }: { Labels?: Record<string, string> }): boolean =>
      wholeCluster ||
      Labels?.['gantry.dev/pod-namespace'] === namespace ||
      (Labels?.['gantry.dev/claim']?.startsWith(`${namespace}/`) ?? false);
    const { filters } = this;
    const containers = (await engine.listContainers({ all: true, filters })).filter(own);
    const volumes = ((await engine.listVolumes({ filters })).Volumes ?? []).filter(own);
    const networks = wholeCluster ? await engine.listNetworks({ filters }) : [];
    return [
      ...containers.map(({ Names }) => `container ${Names[0]}`),
      ...volumes.map(({ Name }) => `volume ${Name}`),
      ...networks.map(({ Name }) => `network ${Name}`),
    ];
  }
}
