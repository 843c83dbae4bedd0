import { defineMap, type Output } from './lines';
import type { Cors } from './model';
import { escapeRegex, literal, pattern } from './quoting';

/** What lets pages of other origins ask. @throws UnfitValue */
export function corsLines(cors: Cors | undefined, output: Output): string[] {
  if (!cors) return [];
  const rows = cors.origins.map(
    (origin) => `${pattern(`~*^${escapeRegex(origin).replaceAll('\\*', '[A-Za-z0-9.-]+')}$`)} $http_origin;`,
  );
  const origin = cors.origins.includes('*') ? '"*"' : defineMap(output, '$http_origin', [...rows, 'default "";']);
  const headers = [
    `add_header Access-Control-Allow-Origin ${origin} always;`,
    ...(cors.credentials ? ['add_header Access-Control-Allow-Credentials "true" always;'] : []),
    ...(cors.expose ? [`add_header Access-Control-Expose-Headers ${literal(cors.expose)} always;`] : []),
  ];
  return [
    'if ($request_method = OPTIONS) {',
    ...headers,
    `add_header Access-Control-Allow-Methods ${literal(cors.methods)} always;`,
    `add_header Access-Control-Allow-Headers ${literal(cors.headers)} always;`,
    `add_header Access-Control-Max-Age ${cors.maxAgeSeconds};`,
    'return 204;',
    '}',
    ...headers,
  ];
}
