/**
 * All that the page can ask of the app: method and stream names with the schema
 * of their parameters (checked on the main side) and the type of their answers.
 * Kubeconfig secrets, keys and tokens never appear in here.
 */
import { z } from 'zod';
import type { KubeObject } from '../k8s';
import type { CustomKind } from '../kinds/custom';
import type { Row, Tone } from '../kinds/types';
import type { SchedulingDecision } from '../scheduling';

const name = z.string().min(1).max(253);
const cluster = z.string().min(1).max(200);
const namespace = z.string().max(253).optional();
/** A resource of the API; `group` is '' for core. */
export const resourceRef = z.object({
  group: z.string().max(253),
  version: z.string().max(63),
  plural: z.string().min(1).max(253),
});
const objectRef = z.object({ cluster, resource: resourceRef, namespace, name });
const size = { columns: z.number().int().min(2).max(1000), rows: z.number().int().min(1).max(1000) };

export interface AppInfo {
  name: string;
  version: string;
  host: 'desktop' | 'browser';
  platform: string;
  dataDirectory: string;
  /** The admin kubeconfig of the embedded cluster. */
  kubeconfig: string;
  kubernetesVersion: string;
  node: string;
  electron?: string;
}

/** In bytes. */
export interface ClaimUsage {
  usedBytes: number;
  capacityBytes?: number;
}

export interface ClusterSummary {
  /** `gantry` for the embedded one; `FILE#CONTEXT` for others. */
  id: string;
  name: string;
  kind: 'embedded' | 'kubeconfig';
  server: string;
  status: 'starting' | 'ready' | 'unreachable' | 'unauthorized' | 'unknown' | 'stopped';
  /** Why it is not ready, in the words of what failed. */
  message?: string;
  version?: string;
  /** Embedded only: nodes are simulated, no containers run. */
  simulated?: boolean;
  defaultNamespace?: string;
}

/** A port of this machine that leads to a port of a pod. */
export interface PortForward {
  id: string;
  cluster: string;
  /** Id of the kind of what it leads to. */
  kind: string;
  namespace: string;
  name: string;
  /** The port there: a service's own number. */
  port: number;
  /** The pod that was talked to last. */
  pod: string;
  /** Where it listens. */
  address: string;
  localPort: number;
  /** How many there were. */
  connections: number;
  startedAt: number;
  /** Why the last connection could not be passed on. */
  error?: string;
}

export interface EngineStatus {
  reachable: boolean;
  /** Where it was looked for or found, e.g. `unix:///var/run/docker.sock`. */
  endpoint: string;
  version?: string;
  apiVersion?: string;
  operatingSystem?: string;
  cpus?: number;
  memoryBytes?: number;
  /** Why it cannot be reached. */
  message?: string;
  /** What the cluster runs on now. */
  runtime: 'docker' | 'simulated' | 'none';
}

/** A long action under way (image pull, start, drain): shown with progress and, where it can be, a cancel. */
export interface Task {
  id: string;
  title: string;
  detail?: string;
  /** 0…1; absent when it cannot be known. */
  progress?: number;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  error?: string;
  cancellable: boolean;
  startedAt: number;
}

/** A fault in a document of a YAML text. Lines and columns count from 1 in the whole text. */
export interface DocumentFault {
  line?: number;
  column?: number;
  /** The field, as in `spec.template.spec.containers[0].image`. */
  path?: string;
  message: string;
}

/** What became (or, as a dry run, would become) of one document. */
export interface ApplyResult {
  /** Index of the document in the text, from 0. */
  document: number;
  /** Its first line, from 1. */
  line: number;
  kind?: string;
  namespace?: string;
  name?: string;
  action: 'created' | 'configured' | 'unchanged' | 'failed';
  warnings: string[];
  faults: DocumentFault[];
  /** As YAML without managedFields and status: for the diff. */
  before?: string;
  after?: string;
}

export interface Revision {
  revision: number;
  /** The ReplicaSet (or ControllerRevision). */
  name: string;
  images: string[];
  changeCause?: string;
  createdAt: string;
  replicas: number;
  current: boolean;
  /** The pod template as YAML, for the diff against another revision. */
  template: string;
}

export interface Point {
  /** Milliseconds since the epoch. */
  t: number;
  /** Cores. */
  cpu: number;
  /** Bytes. */
  memory: number;
}

export interface MetricSeries {
  points: Point[];
  /** Capacity or limit to draw against, when there is one. */
  cpuLimit?: number;
  memoryLimit?: number;
  cpuRequest?: number;
  memoryRequest?: number;
  /** Why there are no points. */
  unavailable?: string;
}

export interface Permission {
  allowed: boolean;
  reason?: string;
}

export interface Settings {
  theme: 'system' | 'light' | 'dark';
  locale: string;
  /** Namespaces chosen per cluster id; empty is all. */
  namespaces: Record<string, string[]>;
  lastCluster: string;
  terminalShell: string;
  terminalFontSize: number;
  tableDensity: 'compact' | 'comfortable';
  /** Column ids hidden per kind id. */
  hiddenColumns: Record<string, string[]>;
}

/** A batch of changes to a table, at most ten a second. Without `reset` it adds to what was sent before. */
export interface RowBatch {
  reset?: boolean;
  upsert: Row[];
  /** uids */
  remove: string[];
  freshness: Freshness;
}

export interface Freshness {
  state: 'loading' | 'live' | 'resyncing' | 'stale' | 'failed';
  /** When the state began, in ms. */
  since: number;
  message?: string;
}

export interface LogLine {
  /** RFC 3339 with nanoseconds, when known. */
  time?: string;
  text: string;
  pod: string;
  container: string;
}

export type ExecOutput =
  | { type: 'output'; data: string }
  /** The command ended; the stream ends after it. */
  | { type: 'exit'; code: number; message?: string };
export type TerminalOutput =
  { type: 'session'; id: string; shell: string } | { type: 'output'; data: string } | { type: 'exit'; code: number };
export const terminalInput = z.discriminatedUnion('type', [
  z.object({ type: z.literal('input'), data: z.string().max(1_000_000) }),
  z.object({ type: z.literal('resize'), ...size }),
]);
export type TerminalInput = z.infer<typeof terminalInput>;

/** Declares a method: its parameters' schema; R, the type of its answer, exists for the compiler only. */
const method =
  <R>() =>
  <P extends z.ZodType>(params: P) =>
    ({ params }) as { params: P; readonly _result?: R };
/** Declares a stream: D is what it sends, I (with a schema) what it takes. */
const stream =
  <D, I = never>() =>
  <P extends z.ZodType>(params: P, input?: z.ZodType<I>) =>
    ({ params, input }) as { params: P; input?: z.ZodType<I>; readonly _data?: D };
const none = z.object({}).optional();

export const methods = {
  'app.info': method<AppInfo>()(none),
  'app.openExternal': method<void>()(z.object({ url: z.url({ protocol: /^https?$/ }) })),
  'settings.get': method<Settings>()(none),
  'settings.set': method<Settings>()(
    z
      .object({
        theme: z.enum(['system', 'light', 'dark']),
        locale: z.string().max(20),
        namespaces: z.record(z.string(), z.array(z.string().max(253))),
        lastCluster: cluster,
        terminalShell: z.string().max(1000),
        terminalFontSize: z.number().int().min(8).max(32),
        tableDensity: z.enum(['compact', 'comfortable']),
        hiddenColumns: z.record(z.string(), z.array(z.string())),
      })
      .partial(),
  ),
  'engine.status': method<EngineStatus>()(none),
  /** Looks for the engine again and moves the cluster onto it. */
  'engine.retry': method<EngineStatus>()(none),
  /** Runs the embedded cluster on simulated nodes (D6). */
  'engine.simulate': method<EngineStatus>()(z.object({ nodes: z.number().int().min(1).max(1000) })),
  'clusters.list': method<ClusterSummary[]>()(none),
  'kube.get': method<KubeObject>()(objectRef),
  'kube.list': method<KubeObject[]>()(
    z.object({
      cluster,
      resource: resourceRef,
      namespace,
      labelSelector: z.string().optional(),
      fieldSelector: z.string().optional(),
    }),
  ),
  'kube.delete': method<void>()(
    objectRef.extend({
      gracePeriodSeconds: z.number().int().min(0).optional(),
      propagationPolicy: z.enum(['Background', 'Foreground', 'Orphan']).optional(),
    }),
  ),
  'kube.patch': method<KubeObject>()(
    objectRef.extend({
      subresource: z.string().max(63).optional(),
      type: z.enum(['merge', 'strategic', 'json']),
      patch: z.unknown(),
      dryRun: z.boolean().optional(),
    }),
  ),
  /** Applies every document of a YAML text; a document with a fault is not stored. */
  'kube.apply': method<ApplyResult[]>()(
    z.object({
      cluster,
      yaml: z.string().max(3_000_000),
      /** For documents that name none. */
      namespace,
      dryRun: z.boolean(),
      /** Edit of one live object: refuse when it is no longer at this version (409 Conflict). */
      resourceVersion: z.string().optional(),
      /** With resourceVersion: the text as it was loaded. A change of nothing but status is then no conflict. */
      base: z.string().max(3_000_000).optional(),
    }),
  ),
  /** The object as YAML for the editor: no managedFields. */
  'kube.yaml': method<{ yaml: string; resourceVersion: string }>()(objectRef),
  /** kubectl-style description, as text. */
  'kube.describe': method<string>()(objectRef),
  /** Why a pod is where it is, or nowhere; null when the cluster does not tell (only Gantry's own does). */
  'kube.placement': method<SchedulingDecision | null>()(
    z.object({ cluster, namespace: z.string().min(1).max(253), name, uid: z.string().max(253) }),
  ),
  'kube.permissions': method<Permission[]>()(
    z.object({
      cluster,
      checks: z
        .array(
          z.object({
            verb: z.string(),
            group: z.string(),
            plural: z.string(),
            subresource: z.string().optional(),
            namespace,
            name: z.string().optional(),
          }),
        )
        .max(100),
    }),
  ),
  'workload.scale': method<{ replicas: number }>()(
    objectRef.extend({ replicas: z.number().int().min(0).max(100_000) }),
  ),
  'workload.restart': method<void>()(objectRef),
  'workload.pause': method<void>()(objectRef.extend({ paused: z.boolean() })),
  /** Suspends or resumes a Job or CronJob. */
  'workload.suspend': method<void>()(objectRef.extend({ suspended: z.boolean() })),
  /** Starts a Job from a CronJob's template now. Answers its name. */
  'cronjob.trigger': method<{ name: string }>()(z.object({ cluster, namespace: z.string().min(1).max(253), name })),
  'workload.revisions': method<Revision[]>()(objectRef),
  /** Answers the template after the rollback; as a dry run nothing is changed. */
  'workload.rollback': method<{ revision: number; template: string }>()(
    objectRef.extend({ revision: z.number().int().min(1), dryRun: z.boolean() }),
  ),
  /** Asks a pod to leave its node. @throws TooManyRequests when a disruption budget does not allow it now */
  'pod.evict': method<void>()(z.object({ cluster, namespace: z.string().min(1).max(253), name })),
  'node.cordon': method<void>()(z.object({ cluster, name, unschedulable: z.boolean() })),
  /**
   * Cordons a node and evicts its pods, as `kubectl drain --ignore-daemonsets` does. Answers once the
   * evictions begin; a task shows how they go. @throws Conflict for pods that the options do not cover
   */
  'node.drain': method<void>()(
    z.object({
      cluster,
      name,
      /** Also pods that no controller starts again. */
      force: z.boolean(),
      /** Also pods that lose what they keep in emptyDir volumes. */
      deleteEmptyDirData: z.boolean(),
      /** Absent: each pod's own. */
      gracePeriodSeconds: z.number().int().min(0).max(86_400).optional(),
    }),
  ),
  /** Adds a node to the embedded cluster, which keeps it. Answers its name when its agent runs. */
  'node.add': method<{ name: string }>()(
    z.object({
      cluster,
      kind: z.enum(['docker', 'simulated']),
      name: name.optional(),
      /** Quantities; absent: what the engine's machine has. */
      cpu: z.string().max(40).optional(),
      memory: z.string().max(40).optional(),
      pods: z.string().max(40).optional(),
    }),
  ),
  /**
   * Drains a node of the embedded cluster, then removes its containers and the Node; tasks show how that goes,
   * this answers when it has begun. With `force` nothing is drained.
   */
  'node.remove': method<void>()(z.object({ cluster, name, force: z.boolean() })),
  /** Switches the agent of a node of the embedded cluster off, as if its machine were lost, or on again. */
  'node.power': method<void>()(z.object({ cluster, name, on: z.boolean() })),
  'metrics.series': method<MetricSeries>()(
    z.object({
      cluster,
      target: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('cluster') }),
        z.object({ kind: z.literal('node'), name }),
        z.object({ kind: z.literal('pod'), namespace: name, name, container: z.string().optional() }),
      ]),
      /** How far back, in seconds. */
      seconds: z.number().int().min(10).max(86_400),
    }),
  ),
  /** How full a claim is; null while no pod runs with it or its node does not say. */
  'claim.usage': method<ClaimUsage | null>()(z.object({ cluster, namespace: name, name })),
  /**
   * Opens a port of this machine (0: any free one) that leads to a pod, or to pods of what selects them. One that
   * is there already is answered. @throws Conflict when no pod runs or the port is taken
   */
  'portForward.start': method<PortForward>()(
    z.object({
      cluster,
      kind: z.enum(['pods', 'services', 'deployments', 'statefulsets', 'daemonsets', 'replicasets']),
      namespace: z.string().min(1).max(253),
      name,
      port: z.number().int().min(1).max(65_535),
      localPort: z.number().int().min(0).max(65_535),
    }),
  ),
  'portForward.stop': method<void>()(z.object({ id: z.string().max(20) })),
  'tasks.cancel': method<void>()(z.object({ id: z.string() })),
  'terminal.kill': method<void>()(z.object({ session: z.string() })),
} as const;

export const streams = {
  /** A live table of one kind. `kind` is the id of a kind in shared/kinds, or the name of a CustomResourceDefinition. */
  rows: stream<RowBatch>()(
    z.object({
      cluster,
      kind: z.string(),
      /** Absent or empty: all. */
      namespaces: z.array(name).optional(),
      labelSelector: z.string().optional(),
      fieldSelector: z.string().optional(),
    }),
  ),
  /** The kinds that a cluster's CustomResourceDefinitions make, beside those in shared/kinds. */
  customKinds: stream<CustomKind[]>()(z.object({ cluster })),
  /** One live object; null once it is gone. */
  object: stream<{ object: KubeObject | null; freshness: Freshness }>()(objectRef),
  clusters: stream<ClusterSummary[]>()(none),
  engine: stream<EngineStatus>()(none),
  tasks: stream<Task[]>()(none),
  portForwards: stream<PortForward[]>()(z.object({ cluster })),
  /** Lines in batches; several pods and containers are merged. */
  logs: stream<{ lines: LogLine[] }>()(
    z.object({
      cluster,
      namespace: name,
      pods: z.array(name).min(1).max(50),
      /** Absent: the pod's only or default container; '*': all. */
      container: z.string().optional(),
      follow: z.boolean(),
      previous: z.boolean().optional(),
      tailLines: z.number().int().min(0).max(100_000).optional(),
      sinceSeconds: z.number().int().min(1).optional(),
    }),
  ),
  /** A shell (or another command) in a container. */
  exec: stream<ExecOutput, TerminalInput>()(
    z.object({
      cluster,
      namespace: name,
      pod: name,
      container: z.string().optional(),
      command: z.array(z.string()).optional(),
      ...size,
    }),
    terminalInput,
  ),
  /** A local shell with KUBECONFIG set for the cluster. With `session`, re-attaches and replays what was printed. */
  terminal: stream<TerminalOutput, TerminalInput>()(
    z.object({ cluster, session: z.string().optional(), ...size }),
    terminalInput,
  ),
} as const;

export type MethodName = keyof typeof methods;
export type StreamName = keyof typeof streams;
export type ParamsOf<M extends MethodName> = z.infer<(typeof methods)[M]['params']>;
export type ResultOf<M extends MethodName> = (typeof methods)[M] extends { readonly _result?: infer R } ? R : never;
export type StreamParamsOf<S extends StreamName> = z.infer<(typeof streams)[S]['params']>;
export type StreamDataOf<S extends StreamName> = (typeof streams)[S] extends { readonly _data?: infer D }
  ? NonNullable<D>
  : never;
export type StreamInputOf<S extends StreamName> = (typeof streams)[S] extends { input?: z.ZodType<infer I> }
  ? I
  : never;
export type { Tone };
