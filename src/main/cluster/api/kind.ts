import type { KubeObject } from '@shared/k8s';
import type { Clock } from '../clock';
import type { CustomObjects } from './apiextensions/custom-object';

/** A fault in a field, in the words Kubernetes uses (k8s.io/apimachinery/pkg/util/validation/field). */
export interface FieldError {
  type:
    | 'Required'
    | 'Invalid'
    | 'Forbidden'
    | 'NotSupported'
    | 'Duplicate'
    | 'TooLong'
    | 'TooMany'
    | 'TypeInvalid'
    | 'NotFound';
  /** As in `spec.template.spec.containers[0].image`. */
  field: string;
  /** The offending value (Invalid, NotSupported, Duplicate). */
  value?: unknown;
  detail: string;
}

/** A column of the server-side Table (meta.k8s.io/v1). */
export interface PrinterColumn<T extends KubeObject = KubeObject> {
  name: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  format?: string;
  description: string;
  /** 0 always shown, 1 only with `-o wide`. */
  priority?: number;
  /** `now` in ms; ages are printed the way kubectl prints them ("5m", "2d3h"). */
  cell(object: T, now: number): string | number | boolean | null;
}

/** What a strategy may need beyond the object itself. */
export interface StrategyContext {
  clock: Clock;
  user: string;
  /** What else is known of the user, for kinds that write down who asked. */
  userInfo?: { groups: string[]; uid?: string; extra?: Record<string, string[]> };
}

/** How a kind that is a view of another is kept: in the store there is only the other one. */
export interface StoredAs {
  group: string;
  version: string;
  plural: string;
  /** Both get an object that may be frozen and return another. */
  toStorage(object: KubeObject): KubeObject;
  fromStorage(object: KubeObject): KubeObject;
}

/**
 * One kind of the API, declared once: everything generic code needs to serve,
 * validate, print, select and document it. Adding a kind is adding one of these.
 *
 * Strategy functions get a draft they may change; validators get the finished
 * object and return every fault they find.
 */
export interface KindDefinition<T extends KubeObject = any> {
  /** '' for core. */
  group: string;
  version: string;
  kind: string;
  /** Lower-case plural: the resource name in paths. */
  plural: string;
  singular: string;
  shortNames?: string[];
  categories?: string[];
  namespaced: boolean;
  /** What names must look like: an RFC 1123 subdomain (default) or label, a DNS-1035 label, or one path segment. */
  nameRule?: 'subdomain' | 'label' | 'label1035' | 'path';
  /** Defaults to all: create delete deletecollection get list patch update watch. */
  verbs?: string[];
  /** Sets unset fields. Called for creates and updates, before validation. */
  defaults?(object: T): void;
  /** Resets what a client may not set (status), sets generation to 1 where the kind counts it. */
  prepareForCreate?(object: T, context: StrategyContext): void;
  /** Keeps status from the old object, bumps generation when the spec changed. */
  prepareForUpdate?(object: T, old: T, context: StrategyContext): void;
  /** For the status subresource: keeps all but status from the old object. */
  prepareForStatusUpdate?(object: T, old: T, context: StrategyContext): void;
  validate?(object: T): FieldError[];
  validateUpdate?(object: T, old: T): FieldError[];
  /** For kinds that compare an update with what it changes throughout: every fault of a create (without `old`) or update. */
  validateChange?(object: T, old: T | undefined): FieldError[];
  /** Non-fatal advice, answered as Warning headers. */
  warnings?(object: T): string[];
  /** The columns after NAME (which is generic) in kubectl's order; AGE included here. */
  columns: PrinterColumn<T>[];
  /** false: the table has no generic NAME column first; the kind's own columns say where the name goes (events). */
  nameColumn?: false;
  /** Selectable fields beyond metadata.name and metadata.namespace. */
  fieldSelectors?: Record<string, (object: T) => string>;
  /** Has a status subresource. */
  status?: boolean;
  /** Has a scale subresource (autoscaling/v1 Scale). */
  scale?: {
    specReplicas(object: T): number;
    setSpecReplicas(object: T, replicas: number): void;
    statusReplicas(object: T): number;
    /** The pods' selector in string form. */
    selector(object: T): string;
  };
  /** Further subresources, served by handlers of the API server: pods/log, pods/exec, pods/binding … */
  subresources?: { name: string; kind: string; group?: string; version?: string; verbs: string[] }[];
  /** metadata.deletionGracePeriodSeconds for a delete, in seconds; 0 (or absent) deletes at once. */
  gracePeriodSeconds?(object: T, requested: number | undefined): number;
  /** Another version or group of the same objects: they are converted as they are read and written. */
  storedAs?: StoredAs;
  /**
   * Subresources that are a part of the object itself, like status: what each
   * keeps from the old object. Served with get, patch and update.
   */
  partialUpdates?: Record<string, (object: T, old: T, context: StrategyContext) => void>;
  /** Faults of an update through such a subresource, in place of `validateUpdate`. */
  validatePart?: Record<string, (object: T, old: T) => FieldError[]>;
  /** The JSON schema (OpenAPI v3) of a kind that the extracted tables do not know, for OpenAPI documents. */
  structure?: object;
  /** What the schema says of a kind that a CustomResourceDefinition made. */
  custom?: CustomObjects;
  /** Deletion order for dependents when the client names none; Kubernetes: background for all current kinds. */
  defaultPropagation?: 'Background' | 'Orphan' | 'Foreground';
}

/** Declares a kind with its object type checked. */
export function defineKind<T extends KubeObject>(definition: KindDefinition<T>): KindDefinition<T> {
  return definition;
}

/** `apps/v1`, or `v1` for core. */
export function apiVersionOf(kind: Pick<KindDefinition, 'group' | 'version'>): string {
  return kind.group ? `${kind.group}/${kind.version}` : kind.version;
}
