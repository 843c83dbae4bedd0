/** What runs the pods of a node: containers on the engine, or nothing at all. */
export type AgentKind = 'docker' | 'simulated';

/** On a Node: this app runs its agent, and which (`docker` or `simulated`). */
export const AGENT_ANNOTATION = 'gantry.dev/agent';

/** What a node has to give, as quantities; what is absent is what the engine's machine has. */
export interface NodeCapacity {
  cpu?: string;
  memory?: string;
  /** How many pods it takes. */
  pods?: string;
}

/** A node to be added. */
export interface NewNode extends NodeCapacity {
  kind: AgentKind;
  /** The next free one by default. */
  name?: string;
}
