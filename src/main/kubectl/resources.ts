import type { KubeList, KubeObject } from '@shared/k8s';
import { resourcePath } from '../cluster/client/resources';
import type { CommandCall } from './command';
import { groupVersion, type Discovery, type Mapping } from './discovery';
import { isNotFound, KubectlError, quote } from './errors';
import { readManifests, type Manifest } from './manifests';
import type { Session } from './session';

/** One object a command works on. */
export interface Target {
  mapping: Mapping;
  /** Unset for kinds without namespaces. */
  namespace: string | undefined;
  name: string;
  /** The object as a file gave it. */
  manifest?: Manifest;
  /** The object as the server gave it, where it was listed. */
  object?: KubeObject;
}

/** What arguments name: a type, and an object of it or (without a name) all of them. */
export interface Selection {
  mapping: Mapping;
  name?: string;
}

const example = `You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'`;

/** The resources a comma-separated list of types and categories means. */
export function resolveTypes(discovery: Discovery, words: string): Mapping[] {
  return words.split(',').flatMap((word) => {
    const type = word.trim();
    if (type === '') return [];
    const exact = discovery.lookup(type);
    if (exact) return [exact];
    const category = discovery.category(type);
    return category.length > 0 ? category : [discovery.resolve(type)];
  });
}

/**
 * Reads `TYPE[,TYPE…] [NAME…]` and `TYPE/NAME…`.
 * @throws KubectlError in kubectl's words
 */
export function parseSelections(discovery: Discovery, args: readonly string[]): Selection[] {
  if (args.some((argument) => argument.includes('/'))) {
    return args.flatMap((argument) => {
      const parts = argument.split('/');
      if (parts.length === 1) {
        throw new KubectlError(
          "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
        );
      }
      if (parts.length > 2) throw new KubectlError('arguments in resource/name form may not have more than one slash');
      const [types = '', name = ''] = parts;
      if (types === '' || name === '') {
        throw new KubectlError(`arguments in resource/name form must have a single resource and name`);
      }
      return resolveTypes(discovery, types).map((mapping) => ({ mapping, name }));
    });
  }
  const [types = '', ...names] = args;
  const mappings = resolveTypes(discovery, types);
  if (names.length === 0) return mappings.map((mapping) => ({ mapping }));
  return mappings.flatMap((mapping) => names.map((name) => ({ mapping, name })));
}

const optional = (call: CommandCall, flag: string): string => (call.flags.has(flag) ? call.flags.string(flag) : '');
const given = (call: CommandCall, flag: string): boolean => call.flags.has(flag) && call.flags.bool(flag);

/** The API path of a target. */
export const targetPath = (target: Pick<Target, 'mapping' | 'namespace' | 'name'>, subresource?: string): string =>
  resourcePath(target.mapping, target.namespace, encodeURIComponent(target.name), subresource);

/** The object a target names, from the server. @throws ApiError */
export async function fetchTarget(session: Session, target: Target): Promise<KubeObject> {
  const { body } = await session.request<KubeObject>({ method: 'GET', path: targetPath(target) });
  return body;
}

/** All objects of a resource, page by page. */
export async function listAll(
  session: Session,
  mapping: Mapping,
  namespace: string | undefined,
  query: Record<string, string | number | undefined> = {},
): Promise<KubeList> {
  const list: KubeList = { apiVersion: '', kind: '', metadata: { resourceVersion: '' }, items: [] };
  let next: string | undefined;
  do {
    const { body } = await session.request<KubeList>({
      method: 'GET',
      path: resourcePath(mapping, namespace),
      query: { limit: 500, ...query, continue: next },
    });
    Object.assign(list, {
      apiVersion: body.apiVersion,
      kind: body.kind,
      metadata: { resourceVersion: body.metadata.resourceVersion },
    });
    // Items of a list carry no type of their own.
    list.items.push(...body.items.map((item) => ({ apiVersion: groupVersion(mapping), kind: mapping.kind, ...item })));
    next = body.metadata.continue || undefined;
  } while (next);
  return list;
}

/** The resource of an object from a file. @throws KubectlError when the server does not know its kind */
export function mappingOf(discovery: Discovery, { object, source }: Manifest): Mapping {
  const found = discovery.forObject(object.apiVersion ?? '', object.kind ?? '');
  if (found) return found;
  throw new KubectlError(
    `resource mapping not found for name: ${quote(object.metadata?.name ?? '')} namespace: ${quote(object.metadata?.namespace ?? '')} from ${quote(source)}: no matches for kind ${quote(object.kind ?? '')} in version ${quote(object.apiVersion ?? '')}\nensure CRDs are installed first`,
  );
}

/** The target of an object from a file, with the namespace it goes to. */
export async function manifestTarget(call: CommandCall, manifest: Manifest): Promise<Target> {
  const mapping = mappingOf(await call.session.discovery(), manifest);
  const own = manifest.object.metadata?.namespace;
  if (!mapping.namespaced)
    return { mapping, namespace: undefined, name: manifest.object.metadata?.name ?? '', manifest };
  const wanted = await call.session.namespace();
  if (own && call.session.namespaceGiven && own !== wanted) {
    throw new KubectlError(
      `the namespace from the provided object ${quote(own)} does not match the namespace ${quote(wanted)}. You must pass '--namespace=${own}' to perform this operation.`,
    );
  }
  const namespace = own || wanted;
  const object = { ...manifest.object, metadata: { ...manifest.object.metadata, namespace } };
  return { mapping, namespace, name: object.metadata.name ?? '', manifest: { ...manifest, object } };
}

/** The manifests of -f. @throws KubectlError for paths and contents that are none */
export function manifestsOf(call: CommandCall): Promise<Manifest[]> {
  if (optional(call, 'kustomize'))
    throw new KubectlError('kustomizations are not supported by this command line: use -f');
  return readManifests(call.flags.list('filename'), {
    cwd: call.io.cwd,
    stdin: call.io.stdin,
    recursive: given(call, 'recursive'),
  });
}

/**
 * What a command works on, from its arguments or -f: named objects as they are named,
 * types expanded to the objects that match -l, --field-selector or --all.
 * Objects that are listed or read from a file come along; named ones are not fetched.
 * @throws KubectlError in kubectl's words
 */
export async function selectTargets(
  call: CommandCall,
  options: { args?: readonly string[]; listWithoutSelector?: boolean } = {},
): Promise<Target[]> {
  const args = options.args ?? call.args;
  const files = call.flags.has('filename') ? call.flags.list('filename') : [];
  const selector = optional(call, 'selector');
  const fieldSelector = optional(call, 'field-selector');
  const all = given(call, 'all');
  if (files.length > 0 || optional(call, 'kustomize')) {
    if (args.length > 0) {
      throw new KubectlError(
        'when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well',
      );
    }
    const manifests = await manifestsOf(call);
    return Promise.all(manifests.map((manifest) => manifestTarget(call, manifest)));
  }
  if (args.length === 0) throw new KubectlError(example);
  if (all && (selector || fieldSelector)) {
    throw new KubectlError(`setting 'all' parameter but found a non empty selector. `);
  }
  const discovery = await call.session.discovery();
  const selections = parseSelections(discovery, args);
  const everywhere = given(call, 'all-namespaces');
  const namespace = everywhere ? undefined : await call.session.namespace();
  const targets = await Promise.all(
    selections.map(async ({ mapping, name }): Promise<Target[]> => {
      const scope = mapping.namespaced ? namespace : undefined;
      if (name !== undefined) {
        if (selector || fieldSelector) throw new KubectlError('name cannot be provided when a selector is specified');
        if (all) throw new KubectlError('name cannot be provided when a selector is specified');
        if (everywhere && mapping.namespaced) {
          throw new KubectlError('a resource cannot be retrieved by name across all namespaces');
        }
        return [{ mapping, namespace: scope, name }];
      }
      if (!selector && !fieldSelector && !all && !options.listWithoutSelector) {
        throw new KubectlError('resource(s) were provided, but no name was specified');
      }
      const list = await listAll(call.session, mapping, scope, {
        labelSelector: selector || undefined,
        fieldSelector: fieldSelector || undefined,
      });
      return list.items.map((object) => ({
        mapping,
        namespace: object.metadata?.namespace,
        name: object.metadata?.name ?? '',
        object,
      }));
    }),
  );
  return targets.flat();
}

/** The targets' objects from the server; what failed is in `errors`. */
export async function fetchTargets(
  session: Session,
  targets: readonly Target[],
  ignoreNotFound = false,
): Promise<{ found: (Target & { object: KubeObject })[]; errors: unknown[] }> {
  const errors: unknown[] = [];
  const found = await Promise.all(
    targets.map(async (target) => {
      try {
        return [{ ...target, object: target.object ?? (await fetchTarget(session, target)) }];
      } catch (error) {
        if (!(ignoreNotFound && isNotFound(error))) errors.push(error);
        return [];
      }
    }),
  );
  return { found: found.flat(), errors };
}
