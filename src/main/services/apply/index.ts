import type { ApplyResult, ParamsOf } from '@shared/bridge/contract';
import type { KubeObject } from '@shared/k8s';
import { ApiError, conflict, notFound } from '../../cluster/api/errors';
import { resourcePath } from '../../cluster/client/resources';
import type { KubeRequest, KubeTransport } from '../../cluster/client/transport';
import { mergesStrategically } from '../../kubectl/actions';
import type { Mapping } from '../../kubectl/discovery';
import { lastAppliedOf, withLastApplied } from '../../kubectl/merge/last-applied';
import { threeWayPatch } from '../../kubectl/merge/three-way';
import { ServiceError } from '../errors';
import type { Kinds } from '../resources';
import { diffTexts, sameIntent } from '../yaml-text';
import { readDocuments, type SourceObject, type SourceDocument } from './documents';
import { FaultMapper } from './faults';

const FIELD_MANAGER = 'gantry';

/** What others in the same text need is stored before them. */
const precedence = ['Namespace', 'CustomResourceDefinition'];

interface Unit {
  document: SourceDocument;
  source: SourceObject;
  mapper: FaultMapper;
}

interface Outcome {
  action: 'created' | 'configured' | 'unchanged';
  before?: KubeObject;
  after: KubeObject;
  warnings: string[];
}

interface Target {
  mapping: Mapping;
  namespace: string | undefined;
  /** As it is to be stored, with its namespace. */
  object: KubeObject;
}

/**
 * Applies every document of a text, each for itself: one with a fault is not
 * stored and says where the fault stands, the others are. As a dry run nothing
 * is stored and the answer tells what would be.
 * @throws ApiError Conflict when an edited object has moved on
 */
export async function applyText(
  params: ParamsOf<'kube.apply'>,
  options: { transport: KubeTransport; kinds: Kinds; signal: AbortSignal },
): Promise<ApplyResult[]> {
  const text = readDocuments(params.yaml);
  const units = text.documents.flatMap((document) =>
    document.objects.map((source): Unit => ({ document, source, mapper: new FaultMapper(source, text.position) })),
  );
  if (params.resourceVersion !== undefined && (units.length !== 1 || text.documents.length !== 1)) {
    const broken = text.documents.filter((document) => document.faults.length > 0);
    if (broken.length === 0)
      throw new ServiceError('Invalid', 'The text of one object is expected, with one document in it.');
  }
  const results = new Map<Unit, ApplyResult>();
  const run = new ApplyRun(params, options, units);
  const rank = (unit: Unit) => {
    const at = precedence.indexOf(unit.source.object.kind ?? '');
    return at < 0 ? precedence.length : at;
  };
  for (const unit of [...units].sort((a, b) => rank(a) - rank(b))) results.set(unit, await run.apply(unit));
  return text.documents.flatMap((document): ApplyResult[] => [
    ...(document.faults.length
      ? [
          {
            document: document.index,
            line: document.line,
            action: 'failed' as const,
            warnings: [],
            faults: document.faults,
          },
        ]
      : []),
    ...units.filter((unit) => unit.document === document).map((unit) => results.get(unit)!),
  ]);
}

class ApplyRun {
  private readonly namespaces: Set<string>;

  constructor(
    private readonly params: ParamsOf<'kube.apply'>,
    private readonly options: { transport: KubeTransport; kinds: Kinds; signal: AbortSignal },
    units: Unit[],
  ) {
    const named = units.filter(({ source }) => source.object.kind === 'Namespace');
    this.namespaces = new Set(named.map(({ source }) => source.object.metadata?.name ?? ''));
  }

  async apply(unit: Unit): Promise<ApplyResult> {
    const { object, node } = unit.source;
    const base = {
      document: unit.document.index,
      line: unit.mapper.lineOf(node),
      kind: object.kind!,
      name: object.metadata!.name!,
      ...(object.metadata?.namespace ? { namespace: object.metadata.namespace } : {}),
    };
    const failed = (faults: ApplyResult['faults']): ApplyResult => ({
      ...base,
      action: 'failed',
      warnings: [],
      faults,
    });
    const target = await this.target(object);
    if (!target)
      return failed([unit.mapper.kind(`no matches for kind "${object.kind}" in version "${object.apiVersion}"`)]);
    const named = { ...base, ...(target.namespace ? { namespace: target.namespace } : {}) };
    try {
      const outcome =
        this.params.resourceVersion === undefined
          ? await this.merge(target)
          : await this.replace(target, this.params.resourceVersion);
      return {
        ...named,
        action: outcome.action,
        warnings: outcome.warnings,
        faults: [],
        ...diffTexts(outcome.before, outcome.after),
      };
    } catch (error) {
      const moved =
        error instanceof ApiError && error.reason === 'Conflict' && this.params.resourceVersion !== undefined;
      if (moved || this.options.signal.aborted) throw error;
      return { ...failed(unit.mapper.map(error)), ...named };
    }
  }

  /** The resource and namespace of an object; undefined when the cluster has no such kind. */
  private async target(object: KubeObject): Promise<Target | undefined> {
    const { cluster } = this.params;
    const find = async (fresh: boolean) =>
      (await this.options.kinds.discovery(cluster, fresh)).forObject(object.apiVersion!, object.kind!);
    const mapping = (await find(false)) ?? (await find(true));
    if (!mapping) return undefined;
    const namespace = mapping.namespaced ? object.metadata?.namespace || this.params.namespace || 'default' : undefined;
    const { namespace: _, ...metadata } = object.metadata!;
    return {
      mapping,
      namespace,
      object: { ...object, metadata: { ...metadata, ...(namespace ? { namespace } : {}) } },
    };
  }

  private async send(request: Omit<KubeRequest, 'signal'>, dryRun = this.params.dryRun) {
    const { transport, signal } = this.options;
    const query = { fieldManager: FIELD_MANAGER, fieldValidation: 'Strict', ...(dryRun ? { dryRun: 'All' } : {}) };
    return transport.request<KubeObject>({ ...request, signal, query: { ...query, ...request.query } });
  }

  private async live(target: Target): Promise<KubeObject | undefined> {
    const path = resourcePath(target.mapping, target.namespace, target.object.metadata!.name!);
    const { transport, signal } = this.options;
    try {
      return (await transport.request<KubeObject>({ method: 'GET', path, signal })).body;
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }

  private create(target: Target, body: KubeObject, dryRun = this.params.dryRun) {
    return this.send({ method: 'POST', path: resourcePath(target.mapping, target.namespace), body }, dryRun);
  }

  /** As `kubectl apply` does: what others set stays, what was applied before and is gone now goes. */
  private async merge(target: Target): Promise<Outcome> {
    const current = await this.live(target);
    // What the server sets is not part of what is wanted.
    const {
      resourceVersion: _,
      uid: __,
      creationTimestamp: ___,
      managedFields: ____,
      ...metadata
    } = target.object.metadata!;
    const { status: _____, ...wanted } = { ...target.object, metadata: metadata as KubeObject['metadata'] };
    const modified = withLastApplied(wanted);
    if (!current) {
      const { body, warnings } = await this.createOrPretend(target, modified);
      return { action: 'created', after: body, warnings };
    }
    const strategic = mergesStrategically(target);
    const patch = threeWayPatch(lastAppliedOf(current), modified, current, strategic);
    if (Object.keys(patch).length === 0) return { action: 'unchanged', before: current, after: current, warnings: [] };
    await this.checkStructure(target, modified);
    const path = resourcePath(target.mapping, target.namespace, metadata.name!);
    const contentType = strategic ? 'application/strategic-merge-patch+json' : 'application/merge-patch+json';
    const { body, warnings } = await this.send({ method: 'PATCH', path, contentType, body: patch });
    const same = body.metadata?.resourceVersion === current.metadata?.resourceVersion && !this.params.dryRun;
    return { action: same ? 'unchanged' : 'configured', before: current, after: body, warnings };
  }

  /**
   * A refused patch does not say where the whole document is wrong; a create that
   * is not carried out does. That the object exists already comes after the check.
   */
  private async checkStructure(target: Target, object: KubeObject): Promise<void> {
    try {
      await this.create(target, object, true);
    } catch (error) {
      if (error instanceof ApiError && error.code === 400) throw error;
    }
  }

  /** A dry run in a namespace that the same text creates is tried in `default` instead. */
  private async createOrPretend(target: Target, object: KubeObject) {
    try {
      return await this.create(target, object);
    } catch (error) {
      const { namespace } = target;
      const away = error instanceof ApiError && error.code === 404 && error.status.details?.kind === 'namespaces';
      if (!away || !this.params.dryRun || !namespace || !this.namespaces.has(namespace)) throw error;
      const moved = { ...object, metadata: { ...object.metadata, namespace: 'default' } };
      try {
        const { body, warnings } = await this.create({ ...target, namespace: 'default' }, moved);
        return { body: { ...body, metadata: { ...body.metadata, namespace } }, warnings };
      } catch (other) {
        if (other instanceof ApiError && other.reason === 'AlreadyExists') return { body: object, warnings: [] };
        throw other;
      }
    }
  }

  /**
   * Saves an edited object as it stands in the text, if it is still at `resourceVersion`
   * or nothing but its status has changed since (`base` is the text as it was loaded).
   */
  private async replace(target: Target, resourceVersion: string): Promise<Outcome> {
    const name = target.object.metadata!.name!;
    const current = await this.live(target);
    if (!current) throw notFound(target.mapping, name);
    const moved = current.metadata?.resourceVersion !== resourceVersion;
    const [base] = moved && this.params.base ? (readDocuments(this.params.base).documents[0]?.objects ?? []) : [];
    if (moved && !(base && sameIntent(base.object, current))) {
      const why = 'the object has been modified; please apply your changes to the latest version and try again';
      throw conflict(target.mapping, name, why);
    }
    const path = resourcePath(target.mapping, target.namespace, name);
    const metadata = { ...target.object.metadata, resourceVersion: current.metadata?.resourceVersion };
    const object = { ...target.object, metadata };
    const { body, warnings } = await this.send({ method: 'PUT', path, body: object });
    return { action: sameIntent(current, body) ? 'unchanged' : 'configured', before: current, after: body, warnings };
  }
}
