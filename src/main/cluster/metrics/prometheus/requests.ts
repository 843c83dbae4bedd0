import type { Route } from '../../apiserver/router';
import type { ApiRequest } from '../../apiserver/types';
import { Histogram } from '../../histogram';
import { counter, gauge, histogram, one, type Family, type Labels } from './families';

/** In seconds; some of those of kube-apiserver, for there are hundreds of kinds of requests. */
const seconds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 15, 60];
/** Names come from clients; a path that names nothing must not grow the memory without end. */
const entriesMost = 2000;

/** What is counted of requests of one kind. */
class Entry {
  readonly codes = new Map<number, number>();
  readonly duration = new Histogram(seconds);

  constructor(readonly labels: Labels) {}

  end(code: number, took: number): void {
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
    this.duration.observe(took);
  }
}

const mutating = (method: string): boolean => method !== 'GET' && method !== 'HEAD';

/** Counts the API's requests. A request costs little more than a look-up. */
export class RequestCounts {
  /** By verb and scope, then by resource. */
  private readonly entries = new Map<string, Map<string, Entry>>();
  private count = 0;
  private readonly overflow = new Entry({ verb: 'OTHER', ...place() });
  private reading = 0;
  private writing = 0;

  /** @param now in ms, of a clock that does not jump */
  constructor(private readonly now: () => number) {}

  begin(request: ApiRequest, route: Route): (code: number) => void {
    const writes = mutating(request.method);
    if (writes) this.writing++;
    else this.reading++;
    const began = this.now();
    return (code) => {
      if (writes) this.writing--;
      else this.reading--;
      // Paths that lead nowhere are counted together.
      const entry = code === 404 ? this.overflow : this.entry(request, route);
      entry.end(code, (this.now() - began) / 1000);
    };
  }

  families(): Family[] {
    const all = [...this.entries.values()].flatMap((some) => [...some.values()]);
    if (this.overflow.duration.count > 0) all.push(this.overflow);
    return [
      counter(
        'apiserver_request_total',
        'Requests by verb, resource and code. Those that led nowhere are counted together as OTHER.',
        all.flatMap(({ labels, codes }) =>
          [...codes].map(([code, count]) => one(count, { ...labels, code: String(code) })),
        ),
      ),
      histogram(
        'apiserver_request_duration_seconds',
        'How long requests took until they were answered; watches, until they began.',
        all.map(({ labels, duration }) => [labels, duration] as const),
      ),
      gauge('apiserver_current_inflight_requests', 'Requests that are being served.', [
        one(this.reading, { request_kind: 'readOnly' }),
        one(this.writing, { request_kind: 'mutating' }),
      ]),
    ];
  }

  private entry(request: ApiRequest, route: Route): Entry {
    const resource = route.type === 'resource' ? route : undefined;
    const verb = verbOf(request, resource);
    const scope = scopeOf(resource);
    const outer = `${verb} ${scope}`;
    const subresource = subresourceOf(resource);
    const inner = resource ? `${resource.group}/${resource.version}/${resource.plural}/${subresource}` : '';
    let some = this.entries.get(outer);
    if (!some) this.entries.set(outer, (some = new Map()));
    let entry = some.get(inner);
    if (!entry) {
      if (this.count >= entriesMost) return this.overflow;
      this.count++;
      some.set(inner, (entry = new Entry({ verb, ...place(resource), scope })));
    }
    return entry;
  }
}

type ResourceRoute = Extract<Route, { type: 'resource' }>;

function place(route?: ResourceRoute): Labels {
  return {
    group: route?.group ?? '',
    version: route?.version ?? '',
    resource: route?.plural ?? '',
    subresource: subresourceOf(route),
    scope: '',
    component: 'apiserver',
  };
}

/** Without what follows a proxy: that is no name of ours. */
function subresourceOf(route: ResourceRoute | undefined): string {
  const whole = route?.subresource ?? '';
  return whole.includes('/') ? whole.slice(0, whole.indexOf('/')) : whole;
}

/** As kube-apiserver writes verbs here. */
function verbOf({ method, query, contentType }: ApiRequest, route: ResourceRoute | undefined): string {
  if (method === 'PATCH' && contentType?.startsWith('application/apply-patch')) return 'APPLY';
  if (method !== 'GET' || !route) return method;
  if (route.subresource !== undefined) return 'GET';
  if (route.watch || query.get('watch') === 'true' || query.get('watch') === '1') return 'WATCH';
  return route.name === undefined ? 'LIST' : 'GET';
}

function scopeOf(route: ResourceRoute | undefined): string {
  if (!route) return '';
  if (route.name !== undefined) return 'resource';
  return route.namespace === undefined ? 'cluster' : 'namespace';
}
