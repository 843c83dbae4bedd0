import { apiError } from '../api/errors';
import type { KindDefinition } from '../api/kind';
import { metricsGroup } from './metrics-api';
import type { Route } from './router';

/** The form that an answer is encoded in. */
export type Media = 'json' | 'yaml' | 'protobuf';

/** What the Accept header asks for. */
export interface Negotiated {
  media: Media;
  as?: 'Table' | 'PartialObjectMetadata';
}

/** What may be asked for at a place. */
interface Offer {
  /** Whether there is protobuf; `metadata`: of an object's metadata alone. */
  protobuf: boolean | 'metadata';
  /** A stream of events, which has no YAML. */
  stream?: boolean;
}

const everything: Offer = { protobuf: true };
const text: Offer = { protobuf: false };
const offers = {
  everything,
  text,
  events: { protobuf: true, stream: true },
  custom: { protobuf: 'metadata' },
  customEvents: { protobuf: 'metadata', stream: true },
} satisfies Record<string, Offer>;

const mediaTypes: Record<Media, string> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
};

/** The media type of an answer. */
export const contentTypeOf = (media: Media): string => mediaTypes[media];
/** The media type of a watch, whose events JSON needs no frame for. */
export const streamTypeOf = (media: Media): string =>
  media === 'json' ? mediaTypes.json : `${mediaTypes[media]};stream=watch`;

/**
 * What a request for a resource is answered with: nothing is chosen for connections, which are no documents.
 * The objects of custom kinds have no protobuf, but their metadata does.
 * @param definition undefined for what is served without being stored
 * @throws ApiError 406
 */
export function negotiateResource(
  accept: string | undefined,
  { group, subresource = '' }: Extract<Route, { type: 'resource' }>,
  verb: string,
  definition: KindDefinition | undefined,
): Negotiated | undefined {
  if (accept === undefined || isConnection(subresource)) return undefined;
  if (group === metricsGroup) return negotiate(accept, 'text');
  const custom = definition?.custom !== undefined && subresource !== 'scale';
  if (verb === 'watch') return negotiate(accept, custom ? 'customEvents' : 'events');
  return negotiate(accept, custom ? 'custom' : 'everything');
}

const isConnection = (subresource: string) => /^(exec|attach|portforward|proxy(\/|$))/.test(subresource);

const caches = new Map(Object.keys(offers).map((name) => [name, new Map<string, Negotiated>()]));

/** Chooses what the client likes best of what there is. @throws ApiError 406 */
export function negotiate(accept: string | undefined, offered: keyof typeof offers): Negotiated {
  if (!accept) return { media: 'json' };
  const cache = caches.get(offered)!;
  let found = cache.get(accept);
  if (!found) {
    found = choose(accept, offers[offered]);
    if (cache.size < 1000) cache.set(accept, found);
  }
  return found;
}

/** What an error is told in: a client that can read none of it gets JSON. */
export function errorMedia(accept: string | undefined): Media {
  try {
    return negotiate(accept, 'everything').media;
  } catch {
    return 'json';
  }
}

function choose(accept: string, offer: Offer): Negotiated {
  const clauses = accept.split(',').map(readClause);
  for (const { type, parameters } of clauses.sort(preferred)) {
    for (const media of matching(type)) {
      const as = viewOf(parameters);
      if (as !== 'unknown' && served(media, as, offer)) return as ? { media, as } : { media };
    }
  }
  const known = (Object.keys(mediaTypes) as Media[]).filter((media) => served(media, undefined, offer));
  const names = known.map((media) => mediaTypes[media] + (offer.stream ? ';stream=watch' : ''));
  throw apiError(406, 'NotAcceptable', `only the following media types are accepted: ${names.join(', ')}`, {});
}

interface Clause {
  type: string;
  parameters: ReadonlyMap<string, string>;
  quality: number;
}

function readClause(clause: string): Clause {
  const [type, ...rest] = clause.split(';').map((part) => part.trim());
  const parameters = new Map(rest.map((part) => part.split('=', 2).map((word) => word.trim()) as [string, string]));
  const quality = Number.parseFloat(parameters.get('q') ?? '1');
  return { type: type!.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 1 : quality };
}

/** The order in which clauses are tried: by quality, then what is named before what is not. */
function preferred(one: Clause, other: Clause): number {
  const open = ({ type }: Clause) => (type === '*/*' ? 2 : type.endsWith('/*') ? 1 : 0);
  return other.quality - one.quality || open(one) - open(other);
}

function matching(type: string): readonly Media[] {
  if (type === '*/*' || type === 'application/*') return ['json', 'yaml', 'protobuf'];
  // Logs are text, and who asks for text alone gets the rest as JSON.
  if (type === 'text/plain') return ['json'];
  return (Object.keys(mediaTypes) as Media[]).filter((media) => mediaTypes[media] === type);
}

function viewOf(parameters: ReadonlyMap<string, string>): Negotiated['as'] | 'unknown' {
  const as = parameters.get('as');
  if (as === undefined) return undefined;
  const known = parameters.get('g') === 'meta.k8s.io' && ['v1', 'v1beta1'].includes(parameters.get('v') ?? '');
  if (!known) return 'unknown';
  if (as === 'Table') return as;
  return as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList' ? 'PartialObjectMetadata' : 'unknown';
}

function served(media: Media, as: Negotiated['as'], offer: Offer): boolean {
  if (media === 'json') return true;
  if (media === 'yaml') return !offer.stream;
  // The cells of a table are of any type, which protobuf has no word for.
  if (as === 'Table') return false;
  return offer.protobuf === true || (offer.protobuf === 'metadata' && as === 'PartialObjectMetadata');
}
