import type { KubeObject } from '../k8s';

/** What a value means for the user; the theme gives it a colour. */
export type Tone = 'ok' | 'busy' | 'warn' | 'error' | 'off' | 'neutral';

export interface StatusValue {
  text: string;
  tone: Tone;
  /** Shown on hover: the reason behind it. */
  detail?: string;
}

/** What a cell holds. The renderer of its column knows the shape. */
export type CellValue = string | number | null | StatusValue | StatusValue[] | string[] | Record<string, string>;

/** How a cell is drawn. */
export type CellRenderer =
  | 'text'
  | 'mono'
  | 'number'
  /** Value: RFC 3339; shown as an age that ticks. */
  | 'age'
  /** How long something took, in ms; or since when it goes on, RFC 3339, and then it ticks. */
  | 'duration'
  /** StatusValue */
  | 'status'
  /** StatusValue[]: one brick per container. */
  | 'bricks'
  /** string[] */
  | 'list'
  /** Record<string, string> */
  | 'labels'
  /** Cores. */
  | 'cpu'
  /** Bytes. */
  | 'bytes';

/** What projecting an object to a row may use beside the object. */
export interface ProjectionContext {
  /** Usage from the metrics API: cores and bytes. */
  usage?: { cpu: number; memory: number };
}

export interface ColumnDefinition<T extends KubeObject = any> {
  id: string;
  /** Key of the heading in the message catalogue: `columns.<id>` unless given. */
  titleKey?: string;
  /** The heading itself, where it comes from the cluster. */
  title?: string;
  renderer: CellRenderer;
  value(object: T, context: ProjectionContext): CellValue;
  /** Preferred width in pixels. Exactly one column of a kind may be `flex`. */
  width: number;
  flex?: boolean;
  align?: 'start' | 'end';
  /** Hidden until the user asks for it. */
  optional?: boolean;
  /** Shown unasked only where the table has room for it. */
  wide?: boolean;
  sortable?: boolean;
}

export type SectionId = 'cluster' | 'workloads' | 'config' | 'network' | 'storage' | 'access' | 'custom';

/** What can be done to objects of a kind beyond view, edit and delete. Actions look at these, never at kind names. */
export interface Capabilities {
  scale?: boolean;
  /** Rollout: history, rollback, restart. */
  rollout?: boolean;
  /** Its rollout can be paused (`spec.paused`). */
  pause?: boolean;
  /** It can be suspended (`spec.suspend`). */
  suspend?: boolean;
  /** A job can be started from it now. */
  trigger?: boolean;
  /** Logs of its pods, chosen by `podSelector`, or its own when it is a pod. */
  logs?: boolean;
  /** A shell in its containers. */
  exec?: boolean;
  /** Can be asked to leave its node, within disruption budgets. */
  evict?: boolean;
  /** Can be cordoned and drained. */
  cordon?: boolean;
  /** Has usage charts. */
  metrics?: 'node' | 'pod';
}

/**
 * A kind as the user sees it. UI-free: the main side projects objects to rows
 * with it, the page draws tables, drawers and menus from it.
 */
export interface KindView<T extends KubeObject = any> {
  /** The plural in routes and streams, e.g. `deployments`. */
  id: string;
  group: string;
  version: string;
  plural: string;
  kind: string;
  /** What headings call it, where that comes from the cluster; `kinds.<id>` of the message catalogue otherwise. */
  title?: string;
  namespaced: boolean;
  section: SectionId;
  /** Place in its section's list. */
  order: number;
  /** A Lucide icon's name, e.g. `Boxes`. */
  icon: string;
  columns: ColumnDefinition<T>[];
  /** Columns that every kind has, hidden here until the user asks for them. */
  hidden?: ('name' | 'namespace' | 'status' | 'age')[];
  /** Preferred width of the status column, px, where its words are short. */
  statusWidth?: number;
  /** Sort when the table opens; names by default. */
  defaultSort?: { column: string; descending?: boolean };
  status?(object: T): StatusValue;
  /** Text that the filter box searches beside name, namespace and shown cells. */
  search?(object: T): string;
  /** Small facts that actions need without fetching the object: replicas, unschedulable, paused, containers. */
  facts?(object: T): Record<string, string | number | boolean | string[]>;
  /** The label selector of its pods, in string form; undefined when it has none. */
  podSelector?(object: T): string | undefined;
  capabilities: Capabilities;
  /** A first YAML for *Create*. */
  template?: string;
}

/** One row of a table, as it crosses the bridge. */
export interface Row {
  uid: string;
  name: string;
  namespace?: string;
  resourceVersion: string;
  createdAt: string;
  /** Set while it is being deleted. */
  deletedAt?: string;
  status?: StatusValue;
  cells: Record<string, CellValue>;
  /** Lower case, for the filter. */
  search: string;
  labels?: Record<string, string>;
  facts?: Record<string, string | number | boolean | string[]>;
}

export function defineKindView<T extends KubeObject>(view: KindView<T>): KindView<T> {
  return view;
}
