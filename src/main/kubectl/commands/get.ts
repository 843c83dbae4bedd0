import type { KubeList, KubeObject, Status, WatchEvent } from '@shared/k8s';
import { ApiError } from '../../cluster/api/errors';
import { resourcePath } from '../../cluster/client/resources';
import { filenameFlags, printFlags, selectorFlag, type Command, type CommandCall } from '../command';
import { objectName, type Mapping } from '../discovery';
import { isNotFound, KubectlError, throwAll } from '../errors';
import { manifestsOf, manifestTarget, parseSelections, targetPath, type Selection } from '../resources';
import { compileJsonPath, relaxedPath } from '../output/jsonpath';
import { objectPrinter, type ObjectPrinter } from '../output/printer';
import { sortByPath } from '../output/sort';
import { addTable, isTable, plainTable, tableAccept, type Table, type TableOptions } from '../output/table';
import { tableLayout, TabWriter } from '../output/tabwriter';

/** One thing to ask the server for: an object, or a list. */
interface Query {
  mapping: Mapping;
  namespace: string | undefined;
  name?: string;
}

async function queriesOf(call: CommandCall): Promise<Query[]> {
  const { flags, session } = call;
  const everywhere = flags.bool('all-namespaces');
  if (flags.list('filename').length > 0) {
    if (call.args.length > 0) {
      throw new KubectlError(
        'when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well',
      );
    }
    const manifests = await manifestsOf(call);
    return Promise.all(manifests.map((manifest) => manifestTarget(call, manifest)));
  }
  if (call.args.length === 0) {
    call.err(
      'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n\n',
    );
    throw new KubectlError(
      'Required resource not specified.\nUse "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).\nSee \'kubectl get -h\' for help and examples',
    );
  }
  const selections: Selection[] = parseSelections(await session.discovery(), call.args);
  const namespace = everywhere ? undefined : await session.namespace();
  return selections.map(({ mapping, name }) => {
    if (name !== undefined && (flags.string('selector') || flags.string('field-selector'))) {
      throw new KubectlError('name cannot be provided when a selector is specified');
    }
    if (name !== undefined && everywhere && mapping.namespaced) {
      throw new KubectlError('a resource cannot be retrieved by name across all namespaces');
    }
    return { mapping, name, namespace: mapping.namespaced ? namespace : undefined };
  });
}

const pathOf = (call: CommandCall, query: Query): string =>
  query.name === undefined
    ? resourcePath(query.mapping, query.namespace)
    : targetPath({ ...query, name: query.name }, call.flags.string('subresource') || undefined);

const selectors = (call: CommandCall): Record<string, string | undefined> => ({
  labelSelector: call.flags.string('selector') || undefined,
  fieldSelector: call.flags.string('field-selector') || undefined,
});

/** Asks for one query, page by page; `merge` adds a further page to what came before. */
async function fetchPages<T extends { metadata?: { continue?: string } }>(
  call: CommandCall,
  query: Query,
  extra: { accept?: string; includeObject?: string },
  merge: (into: T, page: T) => void,
): Promise<T> {
  const path = pathOf(call, query);
  const list = query.name === undefined;
  let result: T | undefined;
  let next: string | undefined;
  do {
    const { body } = await call.session.request<T>({
      method: 'GET',
      path,
      accept: extra.accept,
      query: {
        includeObject: extra.includeObject,
        ...(list ? { ...selectors(call), limit: call.flags.int('chunk-size') || undefined, continue: next } : {}),
      },
    });
    if (result) merge(result, body);
    else result = { ...body };
    next = list ? body.metadata?.continue || undefined : undefined;
  } while (next);
  return result!;
}

/** Prints tables: one header per kind, an empty line between kinds. */
class TablePrinter {
  private readonly writer: TabWriter;
  private last?: Mapping;
  private written = false;
  constructor(
    private readonly call: CommandCall,
    private readonly options: TableOptions & { withKind: boolean },
  ) {
    this.writer = new TabWriter((text) => call.out(text), tableLayout);
  }

  get wrote(): boolean {
    return this.written;
  }

  add(mapping: Mapping, table: Table): void {
    if ((table.rows ?? []).length === 0) return;
    const fresh = this.last !== mapping;
    if (fresh) {
      this.writer.flush();
      this.writer.forgetWidths();
      if (this.last && this.written && !this.options.noHeaders) this.call.out('\n');
    }
    this.last = mapping;
    const options = {
      ...this.options,
      withNamespace: this.options.withNamespace && (mapping.namespaced || this.options.withKind),
      kindPrefix: this.options.withKind ? objectName(mapping, '').slice(0, -1) : undefined,
    };
    addTable(this.writer, table, options, fresh && !this.options.noHeaders);
    this.written = true;
  }

  flush(): void {
    this.writer.flush();
  }
}

function tablePrinter(call: CommandCall, queries: readonly Query[]): TablePrinter {
  const { flags } = call;
  return new TablePrinter(call, {
    wide: flags.string('output') === 'wide',
    noHeaders: flags.bool('no-headers'),
    withNamespace: flags.bool('all-namespaces'),
    withKind: flags.bool('show-kind') || new Set(queries.map((query) => query.mapping)).size > 1,
    showLabels: flags.bool('show-labels'),
    labelColumns: flags.list('label-columns'),
  });
}

function sortTable(table: Table, sortBy: string): void {
  if (!sortBy || !table.rows) return;
  const rows = new Map(table.rows.map((row) => [row.object ?? {}, row]));
  table.rows = sortByPath([...rows.keys()], sortBy).map((object) => rows.get(object)!);
}

async function fetchTable(call: CommandCall, query: Query): Promise<Table> {
  const sortBy = call.flags.string('sort-by');
  const body = await fetchPages<any>(
    call,
    query,
    { accept: tableAccept, includeObject: sortBy ? 'Object' : undefined },
    (into, page) => {
      if (isTable(into) && isTable(page)) into.rows = [...(into.rows ?? []), ...(page.rows ?? [])];
      else (into as KubeList).items = [...(into as KubeList).items, ...(page as KubeList).items];
    },
  );
  const table = isTable(body)
    ? body
    : plainTable(query.name === undefined ? (body as KubeList).items : [body as KubeObject], call.session.now());
  sortTable(table, sortBy);
  return table;
}

async function getTables(call: CommandCall, queries: Query[]): Promise<void> {
  const printer = tablePrinter(call, queries);
  const results = await Promise.allSettled(queries.map((query) => fetchTable(call, query)));
  const errors: unknown[] = [];
  results.forEach((result, at) => {
    if (result.status === 'fulfilled') printer.add(queries[at]!.mapping, result.value);
    else if (!(call.flags.bool('ignore-not-found') && isNotFound(result.reason))) errors.push(result.reason);
  });
  printer.flush();
  if (!printer.wrote && errors.length === 0 && !call.flags.bool('ignore-not-found')) await nothingFound(call, queries);
  throwAll(errors);
}

async function nothingFound(call: CommandCall, queries: readonly Query[]): Promise<void> {
  const namespaced = !call.flags.bool('all-namespaces') && queries.every((query) => query.mapping.namespaced);
  call.err(
    namespaced ? `No resources found in ${await call.session.namespace()} namespace.\n` : 'No resources found\n',
  );
}

/** Items of a list answer with their type, which lists leave out. */
const typed = (mapping: Mapping, item: KubeObject): KubeObject => ({
  apiVersion: mapping.group ? `${mapping.group}/${mapping.version}` : mapping.version,
  kind: mapping.kind,
  ...item,
});

async function fetchObjects(call: CommandCall, query: Query): Promise<KubeObject[]> {
  const body = await fetchPages<any>(call, query, {}, (into, page) => {
    into.items = [...into.items, ...page.items];
  });
  return query.name === undefined ? (body.items ?? []).map((item: KubeObject) => typed(query.mapping, item)) : [body];
}

async function getObjects(call: CommandCall, queries: Query[], print: ObjectPrinter): Promise<void> {
  const results = await Promise.allSettled(queries.map((query) => fetchObjects(call, query)));
  const errors = results
    .flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
    .filter((error) => !(call.flags.bool('ignore-not-found') && isNotFound(error)));
  let objects = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  if (call.flags.string('sort-by')) objects = sortByPath(objects, call.flags.string('sort-by'));
  const single = queries.length === 1 && queries[0]!.name !== undefined;
  if (single && objects.length === 1) call.out(print(objects[0]!, true));
  else if (!single && (objects.length > 0 || errors.length === 0)) {
    call.out(print({ apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items: objects }, true));
  }
  throwAll(errors);
}

/** Follows one kind; prints each change as a row or an object. */
async function watch(call: CommandCall, query: Query, print: ObjectPrinter | undefined): Promise<void> {
  const { flags, session } = call;
  const fieldSelector = query.name === undefined ? flags.string('field-selector') : `metadata.name=${query.name}`;
  const printer = print ? undefined : tablePrinter(call, [query]);
  const accept = print ? undefined : tableAccept;
  const request = {
    method: 'GET' as const,
    path: resourcePath(query.mapping, query.namespace),
    accept,
    query: { labelSelector: flags.string('selector') || undefined, fieldSelector: fieldSelector || undefined },
  };
  // A name that does not exist is an error before there is anything to wait for.
  if (query.name !== undefined) await session.request({ method: 'GET', path: pathOf(call, query) });
  const { body } = await session.request<any>(request);
  const events = flags.bool('output-watch-events');
  let first = true;
  let columns = isTable(body) ? body.columnDefinitions : undefined;
  const show = async (type: WatchEvent['type'], object: any): Promise<void> => {
    if (print) {
      const printed = events && flags.string('output') !== 'name' ? { type, object } : typed(query.mapping, object);
      call.out(print(printed as KubeObject, first));
      first = false;
      return;
    }
    const table = isTable(object) ? object : await tableOf(call, query, object, columns !== undefined);
    // A watch describes its columns once.
    columns = table.columnDefinitions?.length ? table.columnDefinitions : columns;
    printer!.add(
      query.mapping,
      events ? withEvent(table, columns, type) : { ...table, columnDefinitions: columns ?? [] },
    );
    printer!.flush();
  };
  if (!flags.bool('watch-only')) {
    if (isTable(body)) await show('ADDED', body);
    else for (const item of body.items) await show('ADDED', item);
  }
  const stream = await session.watch<any>({
    ...request,
    query: { ...request.query, resourceVersion: body.metadata?.resourceVersion },
  });
  const stop = (): void => stream.close();
  call.io.signal?.addEventListener('abort', stop, { once: true });
  try {
    for await (const event of stream) {
      if (event.type === 'BOOKMARK') continue;
      if (event.type === 'ERROR') throw new ApiError(event.object as Status);
      await show(event.type, event.object);
    }
  } catch (error) {
    if (!call.io.signal?.aborted) throw error;
  } finally {
    call.io.signal?.removeEventListener('abort', stop);
    stream.close();
  }
}

/** The table with the kind of change before each row. */
const withEvent = (table: Table, columns: Table['columnDefinitions'] | undefined, type: string): Table => ({
  ...table,
  columnDefinitions: [{ name: 'Event', type: 'string' }, ...(columns ?? [])],
  rows: (table.rows ?? []).map((row) => ({ ...row, cells: [type, ...row.cells] })),
});

/**
 * The row of an object from a watch that does not speak in tables. Where lists
 * do, the object is asked for as one; when it is gone its name and age must do.
 */
async function tableOf(call: CommandCall, query: Query, object: KubeObject, tables: boolean): Promise<Table> {
  if (tables) {
    try {
      const named = { ...query, name: object.metadata!.name!, namespace: object.metadata!.namespace };
      const { body } = await call.session.request<unknown>({
        method: 'GET',
        path: targetPath(named),
        accept: tableAccept,
      });
      if (isTable(body)) return body;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return plainTable([object], call.session.now());
}

async function getRaw(call: CommandCall): Promise<void> {
  const url = new URL(call.flags.string('raw'), 'http://server');
  const stream = await call.session.stream({
    method: 'GET',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
  });
  for await (const chunk of stream) call.out(Buffer.from(chunk as Buffer).toString('utf8'));
}

async function run(call: CommandCall): Promise<void> {
  const { flags } = call;
  if (flags.string('raw')) return getRaw(call);
  const sortBy = flags.string('sort-by');
  // A path that cannot be read is refused before the server is asked.
  if (sortBy) compileJsonPath(relaxedPath(sortBy));
  const watching = flags.bool('watch') || flags.bool('watch-only');
  const queries = await queriesOf(call);
  const print = await objectPrinter(call);
  if (watching) {
    if (queries.length !== 1) {
      throw new KubectlError('you may only specify a single resource type');
    }
    return watch(call, queries[0]!, print);
  }
  if (print) await getObjects(call, queries, print);
  else await getTables(call, queries);
}

export const get: Command = {
  name: 'get',
  summary: 'Display one or many resources',
  usage: '(TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags]',
  examples: [
    ['Pods of the current namespace', 'kubectl get pods'],
    ['Deployments and services of all namespaces, with more columns', 'kubectl get deploy,svc -A -o wide'],
    ['One object as YAML', 'kubectl get deployment/web -o yaml'],
    ['Follow pods with a label', 'kubectl get pods -l app=web -w'],
  ],
  flags: [
    { name: 'all-namespaces', short: 'A', type: 'bool', default: 'false', help: 'Objects of every namespace.' },
    {
      name: 'chunk-size',
      type: 'int',
      default: '500',
      help: 'Ask for long lists in pieces of this size; 0 for all at once.',
    },
    { name: 'field-selector', type: 'string', help: 'Field selector (metadata.name=x,status.phase!=Running).' },
    ...filenameFlags,
    { name: 'ignore-not-found', type: 'bool', default: 'false', help: 'An object that does not exist is no error.' },
    { name: 'label-columns', short: 'L', type: 'list', help: 'Labels to show as columns.' },
    { name: 'no-headers', type: 'bool', default: 'false', help: 'No header line.' },
    {
      name: 'output-watch-events',
      type: 'bool',
      default: 'false',
      help: 'Show what kind of change each line of a watch is.',
    },
    { name: 'raw', type: 'string', help: 'Print what the server answers at this path.' },
    selectorFlag,
    {
      name: 'server-print',
      type: 'bool',
      default: 'true',
      help: 'Accepted; the server prints tables whenever it can.',
    },
    { name: 'show-kind', type: 'bool', default: 'false', help: 'Put the kind before each name.' },
    { name: 'show-labels', type: 'bool', default: 'false', help: 'Show labels in the last column.' },
    { name: 'sort-by', type: 'string', help: 'Sort by a field, given as a JSONPath (.metadata.name).' },
    { name: 'subresource', type: 'string', help: 'Get this subresource of the object (status, scale).' },
    { name: 'watch', short: 'w', type: 'bool', default: 'false', help: 'After listing, follow changes.' },
    { name: 'watch-only', type: 'bool', default: 'false', help: 'Follow changes without listing first.' },
    ...printFlags,
  ],
  run,
};
