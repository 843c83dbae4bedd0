import type { KubeObject } from '@shared/k8s';

interface Value {
  type?: string;
  name?: string;
  value?: string;
}
interface Match {
  path?: Value;
  method?: string;
  headers?: Value[];
  queryParams?: Value[];
}
interface Backend {
  kind?: string;
  name: string;
  namespace?: string;
  port?: number;
  weight?: number;
}
interface Rule {
  matches?: Match[];
  filters?: { type: string }[];
  backendRefs?: Backend[];
}

/** One rule of an HTTPRoute for reading. */
export interface RouteRule {
  /** Requests it takes, e.g. `GET /cart (Exact), x-canary: yes`. */
  matches: string[];
  /** What is done to them on the way, by the filters' types. */
  filters: string[];
  backends: { kind: string; name: string; namespace?: string; port?: number; share?: number }[];
}

const pair = ({ type, name, value }: Value, sign: string): string =>
  `${name}${sign}${value}${type === 'RegularExpression' ? ` (${type})` : ''}`;

function matchText({ path, method, headers = [], queryParams = [] }: Match): string {
  const where = `${path?.value ?? '/'}${path?.type && path.type !== 'PathPrefix' ? ` (${path.type})` : ''}`;
  const parts = [method ? `${method} ${where}` : where];
  return [
    ...parts,
    ...headers.map((header) => pair(header, ': ')),
    ...queryParams.map((one) => `?${pair(one, '=')}`),
  ].join(', ');
}

/** The rules of an HTTPRoute; a share is what one of several backends gets, 0…1, by its weight (1 by default). */
export function routeRules(route: KubeObject): RouteRule[] {
  return ((route.spec?.rules ?? []) as Rule[]).map(({ matches = [{}], filters = [], backendRefs = [] }) => {
    const sum = backendRefs.reduce((total, { weight = 1 }) => total + weight, 0);
    return {
      matches: matches.map(matchText),
      filters: filters.map(({ type }) => type),
      backends: backendRefs.map(({ kind = 'Service', name, namespace, port, weight = 1 }) => ({
        kind,
        name,
        ...(namespace ? { namespace } : {}),
        ...(port ? { port } : {}),
        ...(backendRefs.length > 1 ? { share: sum ? weight / sum : 0 } : {}),
      })),
    };
  });
}
