import { AGENT_ANNOTATION, type AgentKind, type NewNode, type NodeCapacity } from '@shared/node-agents';
import type { Node } from '@shared/k8s';
import { parseQuantity } from '@shared/quantity';
import { alreadyExists, invalid } from './api/errors';
import { resources } from './client/resources';

/** Beside AGENT_ANNOTATION, on Nodes whose agents this app runs: all it must know to run them again. */
export const memberAnnotations = {
  /** Why it is there when nobody added it: `flags` of the start, or `stand-in` for an engine that did not answer. */
  origin: 'gantry.dev/agent-origin',
  /** NodeCapacity as JSON. */
  capacity: 'gantry.dev/agent-capacity',
  /** Which address its router has. */
  place: 'gantry.dev/agent-place',
  /** It is being removed, which is not finished. */
  removing: 'gantry.dev/agent-removing',
} as const;

/** A node that this app runs the agent of. */
export interface Member {
  name: string;
  kind: AgentKind;
  /** Those that were added stay until they are removed; the others are there while a start asks for them. */
  origin: 'flags' | 'stand-in' | 'added';
  capacity: NodeCapacity;
  /** Of nodes on the engine. */
  place?: number;
}

/** Reads what a Node says of its agent; undefined when it is nobody's of ours. Values that make no sense count as absent. */
export function memberOf({ metadata }: Node): Member | undefined {
  const notes = metadata.annotations ?? {};
  const kind = notes[AGENT_ANNOTATION];
  if (kind !== 'docker' && kind !== 'simulated') return undefined;
  const origin = notes[memberAnnotations.origin];
  const place = notes[memberAnnotations.place];
  let capacity: NodeCapacity = {};
  try {
    capacity = checkedCapacity(metadata.name, JSON.parse(notes[memberAnnotations.capacity] ?? '{}') as NodeCapacity);
  } catch {
    // Then it has what the machine has.
  }
  return {
    name: metadata.name,
    kind,
    origin: origin === 'flags' || origin === 'stand-in' ? origin : 'added',
    capacity,
    ...(place && /^\d{1,4}$/.test(place) ? { place: Number(place) } : {}),
  };
}

/** The annotations that `memberOf` reads; null removes what an earlier run wrote. */
export function annotationsOf({ kind, origin, capacity, place }: Member): Record<string, string | null> {
  return {
    [AGENT_ANNOTATION]: kind,
    [memberAnnotations.origin]: origin === 'added' ? null : origin,
    [memberAnnotations.capacity]: Object.keys(capacity).length ? JSON.stringify(capacity) : null,
    [memberAnnotations.place]: place === undefined ? null : String(place),
  };
}

export const isBeingRemoved = ({ metadata }: Node): boolean =>
  metadata.annotations?.[memberAnnotations.removing] !== undefined;

/** The first number from 0 on that nobody has. */
export function freePlace(members: Iterable<Member>): number {
  const taken = new Set([...members].map(({ place }) => place));
  let place = 0;
  while (taken.has(place)) place++;
  return place;
}

/** Nodes on the engine by their place; places that nobody has are undefined. */
export function byPlace(members: Iterable<Member>): (string | undefined)[] {
  const places: (string | undefined)[] = [];
  for (const { name, place } of members) if (place !== undefined) places[place] = name;
  return Array.from(places);
}

/** What a start's flags call the n-th node, from 1. */
export const nodeName = (cluster: string, kind: AgentKind, n: number): string =>
  kind === 'simulated' ? `${cluster}-sim-${n}` : n === 1 ? cluster : `${cluster}-${n}`;

const nodeResource = { ...resources.nodes, kind: 'Node' };

/** @throws ApiError Invalid for amounts that no node can have */
function checkedCapacity(name: string, { cpu, memory, pods }: NodeCapacity): NodeCapacity {
  const wanted = { cpu, memory, pods };
  const errors = Object.entries(wanted).flatMap(([field, text]) => {
    if (text === undefined) return [];
    let amount = Number.NaN;
    try {
      amount = parseQuantity(text);
    } catch {
      // Told below.
    }
    if (amount > 0 && (field !== 'pods' || Number.isInteger(amount))) return [];
    const detail = `must be a quantity greater than zero${field === 'pods' ? ', whole' : ', like 2, 500m or 4Gi'}`;
    return [{ type: 'Invalid' as const, field: `status.capacity.${field}`, value: text, detail }];
  });
  if (errors.length) throw invalid(nodeResource, name, errors);
  return Object.fromEntries(Object.entries(wanted).filter(([, text]) => text !== undefined));
}

/**
 * The member that a new node becomes, with a free name where none is given.
 * @param taken names of all nodes
 * @throws ApiError AlreadyExists, or Invalid for amounts that no node can have
 */
export function newMember(cluster: string, node: NewNode, taken: ReadonlySet<string>): Member {
  let { name } = node;
  for (let n = 1; !name; n++) {
    const candidate = nodeName(cluster, node.kind, n);
    if (!taken.has(candidate)) name = candidate;
  }
  if (taken.has(name)) throw alreadyExists(resources.nodes, name);
  return { name, kind: node.kind, origin: 'added', capacity: checkedCapacity(name, node) };
}
