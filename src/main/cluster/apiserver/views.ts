import type { KubeObject } from '@shared/k8s';
import type { KindDefinition } from '../api/kind';
import type { Call, ServerContext } from './context';
import type { ApiResponse, Encoded, ListPayload, ServedWatch } from './types';
import { encoded } from './watch';

/** Turns objects, lists and watches into what the client asked to see. */
export function present(context: ServerContext, call: Call, response: ApiResponse): ApiResponse {
  const as = call.negotiated?.as;
  if (!as) return response;
  const { payload } = response;
  const { kind } = call.resource.definition;
  const view = as === 'Table' ? tableView(context, call) : partialView;
  if (payload.type === 'list') return { ...response, payload: view.list(payload) };
  if (payload.type === 'watch')
    return { ...response, payload: { type: 'watch', watch: viewedWatch(payload.watch, view) } };
  if (payload.type !== 'object' || payload.object.value.kind !== kind) return response;
  const { value, json } = payload.object;
  const object = json === undefined ? encoded(value) : { value, json };
  return { ...response, payload: { type: 'object', object: view.object(object, true) } };
}

interface View {
  list(payload: ListPayload): ApiResponse['payload'];
  /** @param first whether this is the first of a response, which says what the others leave out */
  object(object: Encoded, first: boolean): Encoded;
  bookmark(object: Encoded): Encoded;
}

function viewedWatch(watch: ServedWatch, view: View): ServedWatch {
  return {
    start(sink) {
      let first = true;
      return watch.start({
        end: () => sink.end(),
        event({ type, object }) {
          if (type === 'ERROR') return sink.event({ type, object });
          if (type === 'BOOKMARK') return sink.event({ type, object: view.bookmark(object) });
          sink.event({ type, object: view.object(object, first) });
          first = false;
        },
      });
    },
  };
}

const partials = new WeakMap<KubeObject, Encoded>();

/** Metadata alone, encoded once per object. */
function partial(object: KubeObject): Encoded {
  let found = partials.get(object);
  if (!found) {
    const value = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
    found = { value, json: JSON.stringify(value) };
    partials.set(object, found);
  }
  return found;
}

const partialView: View = {
  list: (payload) => ({
    type: 'list',
    apiVersion: 'meta.k8s.io/v1',
    kind: 'PartialObjectMetadataList',
    metadata: payload.metadata,
    items: payload.items.map((item) => partial(item.value)),
  }),
  object: (object) => partial(object.value),
  bookmark: (object) => partial(object.value),
};

const nameColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'The name, unique among the objects of its kind and namespace',
  priority: 0,
};

const definitions = new WeakMap<KindDefinition, object[]>();

function columnDefinitions(kind: KindDefinition): object[] {
  let found = definitions.get(kind);
  if (!found) {
    const columns = kind.columns.map(({ name, type, format = '', description, priority = 0 }) => ({
      name,
      type,
      format,
      description,
      priority,
    }));
    found = kind.nameColumn === false ? columns : [nameColumn, ...columns];
    definitions.set(kind, found);
  }
  return found;
}

/** The server-side Table: what kubectl prints. `includeObject` says what each row carries beside its cells. */
function tableView(context: ServerContext, call: Call): View {
  const { definition } = call.resource;
  const include = call.request.query.get('includeObject') ?? 'Metadata';
  const row = (object: Encoded, now: number) => {
    const cells = [
      ...(definition.nameColumn === false ? [] : [object.value.metadata?.name ?? '']),
      ...definition.columns.map((column) => column.cell(object.value, now)),
    ];
    const carried = include === 'Object' ? object : include === 'None' ? undefined : partial(object.value);
    return { cells, carried };
  };
  const table = (metadata: ListPayload['metadata'], items: readonly Encoded[], columns: boolean): Encoded => {
    const now = context.clock.now();
    const rows = items.map((item) => row(item, now));
    const head = {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata,
      columnDefinitions: columns ? columnDefinitions(definition) : null,
    };
    return {
      get value() {
        return {
          ...head,
          rows: rows.map(({ cells, carried }) => (carried ? { cells, object: carried.value } : { cells })),
        };
      },
      get json() {
        const encodedRows = rows.map(({ cells, carried }) =>
          carried
            ? `{"cells":${JSON.stringify(cells)},"object":${carried.json}}`
            : `{"cells":${JSON.stringify(cells)}}`,
        );
        return `${JSON.stringify(head).slice(0, -1)},"rows":[${encodedRows.join(',')}]}`;
      },
    };
  };
  const versionOf = (object: Encoded) => ({ resourceVersion: object.value.metadata?.resourceVersion ?? '' });
  return {
    list: (payload) => ({ type: 'object', object: table(payload.metadata, payload.items, true) }),
    object: (object, first) => table(versionOf(object), [object], first),
    bookmark: (object) =>
      encoded({ kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: versionOf(object), rows: [] }),
  };
}
