import { createHash } from 'node:crypto';
import type { KubeObject } from '@shared/k8s';
import { apiError } from '../api/errors';
import { encodeOpenApiV2, rootOf } from '../api/schema/openapi';
import type { ApiSchema } from '../api/schema/types';
import type { Documents } from './aggregation/documents';
import { mergeOpenApiV2, type OpenApiV2 } from './aggregation/openapi-v2';
import { noSuchResource } from './context';
import type { ServedGroup, ServedVersion } from './served';
import type { ApiRequest, ApiResponse } from './types';

/** Both spellings are in use: the newer one is a valid media type. */
const protobufTypes = [
  'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
];
const wholeYear = 365 * 24 * 3600;

interface Encoded {
  json: string;
  etag: string;
}

/** /openapi/v2 and /openapi/v3. Documents are made when first asked for and kept as text. */
export class OpenApi {
  private readonly documents = new Map<string, Encoded>();
  private protobuf?: Buffer;
  private hashes?: Map<string, { hash: string; served: ServedVersion }>;

  constructor(
    private readonly schema: ApiSchema,
    private readonly version: string,
    private readonly groups: () => ServedGroup[],
  ) {}

  /** Forgets the documents: the served kinds changed. */
  reset(): void {
    this.documents.clear();
    this.protobuf = undefined;
    this.hashes = undefined;
  }

  /** @throws ApiError 404 | 406 */
  serve(request: ApiRequest, segments: string[]): ApiResponse {
    const [, edition, ...rest] = segments;
    if (edition === 'v2' && rest.length === 0) return this.v2(request);
    if (edition !== 'v3') throw noSuchResource();
    if (!chosen(request.accept, ['application/json'])) throw notAcceptable(['application/json']);
    if (rest.length === 0) return this.index(request);
    return this.v3(request, rest.join('/'));
  }

  private v2(request: ApiRequest): ApiResponse {
    const accepted = ['application/json', ...protobufTypes];
    const type = chosen(request.accept, accepted);
    if (!type) throw notAcceptable(accepted);
    const document = this.document('v2', () => {
      const own = this.schema.openApiV2(this.version, this.versions().flatMap(of)) as OpenApiV2;
      const parts = this.others().map(({ documents }) => documents.v2);
      return mergeOpenApiV2(
        own,
        parts.filter((part) => part !== undefined),
      );
    });
    const headers = { ETag: document.etag, Vary: 'Accept' };
    if (isKnown(request, document.etag)) return unchanged(headers);
    if (!protobufTypes.includes(type)) return answer(document, headers);
    this.protobuf ??= encodeOpenApiV2(JSON.parse(document.json));
    return {
      status: 200,
      warnings: [],
      headers,
      payload: { type: 'bytes', contentType: protobufTypes[1]!, bytes: this.protobuf },
    };
  }

  private index(request: ApiRequest): ApiResponse {
    const document = this.document('v3', () => ({
      paths: Object.fromEntries(
        [...this.byRoot()]
          .map(([root, { hash }]) => [root, hash] as const)
          // Other servers answer for their documents themselves.
          .concat(this.others().flatMap(({ root, documents: { v3 } }) => (v3 === undefined ? [] : [[root, v3]])))
          .map(([root, hash]) => [root, { serverRelativeURL: `/openapi/v3/${root}?hash=${hash}` }]),
      ),
    }));
    const headers = { ETag: document.etag };
    return isKnown(request, document.etag) ? unchanged(headers) : answer(document, headers);
  }

  private v3(request: ApiRequest, root: string): ApiResponse {
    const found = this.byRoot().get(root);
    if (!found) throw noSuchResource();
    const asked = request.query.get('hash');
    // Whoever comes with an old hash is sent to the document as it is now, which may be kept for good.
    if (asked !== null && asked !== found.hash) {
      const headers = { Location: `/openapi/v3/${root}?hash=${found.hash}` };
      return { status: 301, warnings: [], headers, payload: { type: 'text', contentType: 'text/html', text: '' } };
    }
    const etag = `"${found.hash}"`;
    const kept: Record<string, string> = { ETag: etag, Vary: 'Accept' };
    if (asked !== null) {
      kept['Cache-Control'] = `public, immutable, max-age=${wholeYear}`;
    }
    if (isKnown(request, etag)) return unchanged(kept);
    return answer(
      this.document(root, () => this.schema.openApiV3(of(found.served))),
      kept,
    );
  }

  /** Those that are served here. */
  private versions(): ServedVersion[] {
    return this.groups().flatMap(({ versions }) => versions.filter(({ aggregated }) => !aggregated));
  }

  private others(): { root: string; documents: Documents }[] {
    return this.groups().flatMap(({ versions }) =>
      versions.flatMap((one) => (one.aggregated ? [{ root: rootOf(one), documents: one.aggregated.documents }] : [])),
    );
  }

  private byRoot(): Map<string, { hash: string; served: ServedVersion }> {
    return (this.hashes ??= new Map(
      this.versions().map((served) => [
        rootOf(served),
        { served, hash: digest(`${this.version} ${JSON.stringify(served)}`) },
      ]),
    ));
  }

  private document(key: string, make: () => object): Encoded {
    let document = this.documents.get(key);
    if (!document) {
      const json = JSON.stringify(make());
      document = { json, etag: `"${digest(json)}"` };
      this.documents.set(key, document);
    }
    return document;
  }
}

const of = ({ resources }: ServedVersion) => resources;

const digest = (text: string) => createHash('sha512').update(text).digest('hex').toUpperCase();

function answer({ json }: Encoded, headers: Record<string, string>): ApiResponse {
  const object = {
    json,
    get value(): KubeObject {
      return JSON.parse(json) as KubeObject;
    },
  };
  return { status: 200, warnings: [], headers, payload: { type: 'object', object, contentType: 'application/json' } };
}

const unchanged = (headers: Record<string, string>): ApiResponse => ({
  status: 304,
  warnings: [],
  headers,
  payload: { type: 'text', contentType: 'application/json', text: '' },
});

function isKnown({ ifNoneMatch }: ApiRequest, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}

/** The first media type of the header that is on offer; the first of the offer where it asks for none. */
function chosen(accept: string | undefined, offer: readonly string[]): string | undefined {
  if (!accept) return offer[0];
  for (const clause of accept.split(',')) {
    const type = clause.split(';')[0]!.trim().toLowerCase();
    if (type === '*/*' || type === 'application/*') return offer[0];
    if (offer.includes(type)) return type;
  }
  return undefined;
}

const notAcceptable = (types: readonly string[]) =>
  apiError(406, 'NotAcceptable', `only the following media types are accepted: ${types.join(', ')}`, {});
