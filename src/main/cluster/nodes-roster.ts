import type { Node } from '@shared/k8s';
import type { NewNode } from '@shared/node-agents';
import type { NodeConnections } from './apiserver/nodes';
import { conflict, notFound } from './api/errors';
import { resources } from './client/resources';
import type { InformerFactory, KubeClient } from './client/types';
import type { Kubelet } from './kubelet';
import type { Runtime } from './kubelet/runtime/types';
import type { Logger } from './log';
import {
  annotationsOf,
  byPlace,
  freePlace,
  isBeingRemoved,
  memberAnnotations,
  memberOf,
  newMember,
  nodeName,
  type Member,
} from './nodes-members';
import { forgetNode, purgeNode } from './nodes-removal';
import type { TaskList } from './tasks';

export interface RosterOptions {
  clusterName: string;
  /** Where the volumes of all nodes are. */
  volumesDirectory: string;
  client: KubeClient;
  informers: InformerFactory;
  connections: NodeConnections;
  engine: Runtime;
  createAgent(member: Member): Kubelet;
  /** Why no node can run on the engine now. */
  engineFault(): string | undefined;
  /** Nodes on the engine came or went. */
  placesChanged(places: (string | undefined)[]): void;
  /** Some agent came or went. */
  changed(): void;
  tasks: TaskList;
  log: Logger;
}

/**
 * The nodes whose agents this app runs. Each Node object says so itself (see Member): a Node that is
 * created with the annotation gets its agent, whoever creates it, and has it again after a restart.
 */
export class NodeRoster {
  private readonly members = new Map<string, Member>();
  private readonly agents = new Map<string, Kubelet>();
  /** Nodes on the engine that an earlier run had, and whose removal waits until it answers. */
  private leftOnEngine: string[] = [];
  private stopFollowing = (): void => {};
  private stopped = false;

  constructor(private readonly options: RosterOptions) {}

  /** Names of the nodes on the engine, in the order of their places. */
  onEngine(): string[] {
    return this.places().filter((name) => name !== undefined);
  }

  places(): (string | undefined)[] {
    return byPlace(this.members.values());
  }

  /** The members of agents that run. */
  running(): Member[] {
    return [...this.agents.keys()].flatMap((name) => this.members.get(name) ?? []);
  }

  /** Reads who is there, adds those whom the start asks for, and gives up those of earlier starts. */
  async load(wanted: { docker: number; simulated: number }, engineAllowed: boolean): Promise<void> {
    const { clusterName, client, informers } = this.options;
    const nodes = (await client.list<Node>(resources.nodes)).items;
    const known = new Map(nodes.flatMap((node) => memberOf(node) ?? []).map((member) => [member.name, member]));
    const removing = new Set(nodes.filter(isBeingRemoved).map(({ metadata }) => metadata.name));
    for (const member of known.values())
      if (member.origin === 'added' && !removing.has(member.name)) this.members.set(member.name, member);
    for (const kind of ['docker', 'simulated'] as const) {
      for (let n = 1; n <= wanted[kind]; n++) {
        const name = nodeName(clusterName, kind, n);
        const before = known.get(name);
        if (!this.members.has(name)) this.include({ name, kind, origin: 'flags', capacity: {}, place: before?.place });
      }
    }
    const left = [...known.values()].filter(({ name }) => !this.members.has(name));
    this.leftOnEngine = left.filter(({ kind }) => kind === 'docker' && engineAllowed).map(({ name }) => name);
    for (const { name, kind } of left) if (kind === 'simulated') await forgetNode(client, name);
    const follow = (node: Node) => this.follow(node);
    this.stopFollowing = informers.informer<Node>(resources.nodes).on({
      add: follow,
      update: follow,
      delete: ({ metadata }) => this.agents.get(metadata.name)?.nodeDeleted(),
    });
  }

  private include({ place, ...member }: Member): Member {
    const others = [...this.members.values()];
    const free = place !== undefined && others.every((other) => other.place !== place);
    const included: Member = member.kind === 'docker' ? { ...member, place: free ? place : freePlace(others) } : member;
    this.members.set(member.name, included);
    return included;
  }

  /** A Node of somebody else's making that asks for an agent. */
  private follow(node: Node): void {
    const { log, engineFault } = this.options;
    const { name } = node.metadata;
    if (this.stopped || this.members.has(name) || isBeingRemoved(node)) return;
    const member = memberOf(node);
    if (!member || member.origin !== 'added') return;
    this.include(member);
    // Otherwise it starts with the others when the engine answers.
    if (member.kind === 'docker' && engineFault()) return;
    this.start(name).catch((error: Error) => log.error('a node agent could not be started', { node: name, error }));
  }

  /** Starts a member's agent; resolves when its node is registered. */
  async start(name: string): Promise<void> {
    const member = this.members.get(name);
    if (!member || this.agents.has(name) || this.stopped) return;
    const agent = this.options.createAgent(member);
    this.agents.set(name, agent);
    this.options.connections.register(name, agent.connection);
    if (member.kind === 'docker') this.options.placesChanged(this.places());
    await agent.start();
    this.options.changed();
  }

  async startSimulated(): Promise<void> {
    const simulated = [...this.members.values()].filter(({ kind }) => kind === 'simulated');
    await Promise.all(simulated.map(({ name }) => this.start(name)));
  }

  /** Starts the agents of nodes on the engine, each after the other. @param answers whether it does; else none waits for another */
  async startOnEngine(answers: boolean): Promise<void> {
    if (!answers) return void (await Promise.all(this.onEngine().map((name) => this.start(name))));
    for (const name of this.onEngine()) await this.start(name);
  }

  /** Simulated nodes in place of an engine that does not answer. */
  async standIn(count: number): Promise<void> {
    for (let n = 1; n <= count; n++) {
      const name = nodeName(this.options.clusterName, 'simulated', n);
      if (!this.members.has(name)) this.include({ name, kind: 'simulated', origin: 'stand-in', capacity: {} });
    }
    await this.startSimulated();
  }

  hasStandIns(): boolean {
    return [...this.members.values()].some(({ origin }) => origin === 'stand-in');
  }

  async removeStandIns(): Promise<void> {
    for (const { name, origin } of this.members.values()) if (origin === 'stand-in') await this.take(name, 'simulated');
  }

  /** Removes what earlier runs had on the engine and this one was not started with. The engine must answer. */
  async removeLeft(): Promise<void> {
    for (let name = this.leftOnEngine[0]; name; name = this.leftOnEngine[0]) {
      this.options.log.info('removing a node that this start does not ask for', { node: name });
      await this.take(name, 'docker');
      this.leftOnEngine = this.leftOnEngine.filter((one) => one !== name);
    }
  }

  /**
   * Adds a node and waits for its agent; it is there again after a restart.
   * @throws ApiError AlreadyExists, Invalid, Conflict while the engine does not answer
   */
  async add(node: NewNode): Promise<{ name: string }> {
    const { clusterName, client, engineFault, tasks } = this.options;
    const taken = new Set((await client.list<Node>(resources.nodes)).items.map(({ metadata }) => metadata.name));
    const member = newMember(clusterName, node, new Set([...taken, ...this.members.keys()]));
    const { name } = member;
    const fault = node.kind === 'docker' ? engineFault() : undefined;
    if (fault) throw conflict(resources.nodes, name, fault);
    await tasks.run(`Adding node ${name}`, async () => {
      const notes = Object.entries(annotationsOf(this.include(member))).filter(([, value]) => value !== null);
      try {
        const annotations = Object.fromEntries(notes) as Record<string, string>;
        await client.create<Node>(resources.nodes, { metadata: { name, annotations } });
      } catch (error) {
        this.members.delete(name);
        throw error;
      }
      await this.start(name);
    });
    return { name };
  }

  /** @throws ApiError for a node that cannot be removed */
  async checkRemoval(name: string): Promise<Member> {
    const { client, clusterName } = this.options;
    const member = memberOf(await client.get<Node>(resources.nodes, undefined, name));
    if (!member) throw conflict(resources.nodes, name, 'its agent is not one of this app');
    if (name === clusterName)
      throw conflict(resources.nodes, name, 'it is the first node, which the cluster comes with');
    return member;
  }

  /**
   * Stops a node's agent, removes its containers and its Node object. Whoever wants its pods to leave it
   * in peace drains it first. What fails half way goes on at the next call, or the next start.
   * @throws ApiError
   */
  async remove(name: string): Promise<void> {
    const { kind } = await this.checkRemoval(name);
    const annotations = { [memberAnnotations.removing]: 'true' };
    const mark = { metadata: { annotations } };
    await this.options.client.patch(resources.nodes, undefined, name, mark, { type: 'merge' });
    try {
      await this.options.tasks.run(`Removing node ${name}`, () => this.take(name, kind));
    } catch (error) {
      // The next look at the engine tries again.
      if (kind === 'docker' && !this.leftOnEngine.includes(name)) this.leftOnEngine.push(name);
      throw error;
    }
  }

  private async take(name: string, kind: Member['kind']): Promise<void> {
    const { client, engine, volumesDirectory, placesChanged } = this.options;
    await this.stopAgent(name);
    this.members.delete(name);
    if (kind === 'docker') {
      placesChanged(this.places());
      await purgeNode(engine, volumesDirectory, name);
    }
    await forgetNode(client, name);
    this.options.changed();
  }

  /**
   * Switches a node's agent off, as if its machine had lost its network: containers run on, the node
   * becomes NotReady. On again with `start`, or with the next start of the app.
   * @throws ApiError when no such agent runs
   */
  async stopAgent(name: string, mustRun = false): Promise<void> {
    const agent = this.agents.get(name);
    if (!agent && mustRun) throw notFound(resources.nodes, name);
    this.agents.delete(name);
    this.options.connections.unregister(name);
    await agent?.stop();
    this.options.changed();
  }

  /** @throws ApiError when the node is not of this app */
  async startAgent(name: string): Promise<void> {
    const member = this.members.get(name);
    if (!member) throw notFound(resources.nodes, name);
    const fault = member.kind === 'docker' ? this.options.engineFault() : undefined;
    if (fault) throw conflict(resources.nodes, name, fault);
    await this.start(name);
  }

  /** Stops all agents; containers keep running. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.stopFollowing();
    await Promise.all([...this.agents.values()].map((agent) => agent.stop()));
  }
}
