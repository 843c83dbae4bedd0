import type { KubeObject } from '@shared/k8s';
import { apiError, badRequest } from '../api/errors';
import type { KindDefinition } from '../api/kind';
import { apiVersionOf } from '../api/kind';
import type { ApiSchema, StructureError } from '../api/schema/types';
import { duplicateFields } from './duplicate-fields';
import { cloneJson } from '../json';
import { assertDepth, isObject } from './json';
import { checkWriteOptions } from './request-options';
import type { ApiRequest } from './types';
import { parseYaml } from './yaml';

/** The largest body that is taken, in bytes: what Kubernetes takes. */
export const maxBodyBytes = 3 * 1024 * 1024;

const bodyTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** The media type without parameters. */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? 'application/json').split(';')[0]!.trim().toLowerCase() || 'application/json';
}

export function unsupportedMediaType(accepted: readonly string[]) {
  return apiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
    {},
  );
}

/** Whether the body came as text or bytes, from outside this process. */
export function isEncodedBody(body: unknown): body is string | Uint8Array {
  return typeof body === 'string' || body instanceof Uint8Array;
}

/**
 * The data of a body, as the caller's own copy; undefined when there is none.
 * @param duplicates gets what YAML gives twice; without it such YAML is refused
 * @throws ApiError 400 | 415
 */
export function decodeBody(request: ApiRequest, schema: ApiSchema, duplicates?: string[]): unknown {
  const { body } = request;
  if (!isEncodedBody(body)) return cloneJson(body);
  if (body.length === 0) return undefined;
  const type = mediaType(request.contentType);
  let value: unknown;
  switch (type) {
    case 'application/json':
      value = parseJson(bodyText(body));
      break;
    case 'application/yaml':
    case 'text/yaml':
    case 'application/x-yaml':
      value = parseYaml(bodyText(body), duplicates);
      break;
    case 'application/vnd.kubernetes.protobuf':
      try {
        value = schema.decodeProtobuf(Buffer.from(body as Uint8Array));
      } catch (error) {
        throw badRequest(`the body could not be decoded as protobuf: ${(error as Error).message}`);
      }
      break;
    default:
      throw unsupportedMediaType(bodyTypes);
  }
  assertDepth(value);
  return value;
}

const utf8 = new TextDecoder();

/** Bytes as UTF-8, whichever kind of array holds them. */
const bodyText = (body: string | Uint8Array): string => (typeof body === 'string' ? body : utf8.decode(body));

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`json parse error: ${(error as Error).message}`);
  }
}

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** The `fieldValidation` parameter. Objects handed over inside the process are trusted unless it says otherwise. */
export function fieldValidationOf(request: ApiRequest): FieldValidation | 'Trust' {
  const asked = request.query.get('fieldValidation');
  if (asked === null || asked === '') return isEncodedBody(request.body) ? 'Warn' : 'Trust';
  if (asked === 'Ignore' || asked === 'Warn' || asked === 'Strict') return asked;
  throw badRequest(
    `invalid fieldValidation parameter: Invalid value: "${asked}": supported values: "Ignore", "Strict", "Warn"`,
  );
}

/**
 * The body of a create or update as an object of the kind, its structure checked
 * as fieldValidation asks: what does not belong is refused or left out with a warning.
 * @throws ApiError 400
 */
export function decodeObject(
  request: ApiRequest,
  kind: Pick<KindDefinition, 'group' | 'version' | 'kind'>,
  schema: ApiSchema,
  warnings: string[],
): KubeObject {
  if (request.method !== 'PATCH') checkWriteOptions(request);
  const twice: string[] = [];
  const value = decodeBody(request, schema, twice);
  const apiVersion = apiVersionOf(kind);
  if (!isObject(value)) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error`,
    );
  }
  const { apiVersion: givenVersion, kind: givenKind, ...rest } = value as KubeObject;
  if (givenKind !== undefined && givenKind !== '' && givenKind !== kind.kind) {
    throw badRequest(
      `${givenKind} in version "${lastPart(givenVersion)}" cannot be handled as a ${kind.kind}: converting (${givenVersion}.${givenKind}) to (${apiVersion}.${kind.kind}): unknown conversion`,
    );
  }
  if (givenVersion !== undefined && givenVersion !== '' && givenVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${givenVersion}) does not match the expected API version (${apiVersion})`,
    );
  }
  const object = { apiVersion, kind: kind.kind, ...rest };
  const given = [...duplicatesOf(request), ...twice.map(yamlDuplicate)];
  return checkStructure(object, fieldValidationOf(request), schema, warnings, given, (problem) => {
    throw badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${problem}`);
  });
}

const yamlDuplicate = (message: string): StructureError => ({
  kind: 'duplicate',
  path: '',
  message: `yaml: unmarshal errors: ${message}`,
});

/** Fields given twice in a JSON body; the last one counts. */
function duplicatesOf(request: ApiRequest): StructureError[] {
  const { body } = request;
  if (!isEncodedBody(body) || mediaType(request.contentType) !== 'application/json') return [];
  if (request.query.get('fieldValidation') === 'Ignore') return [];
  return duplicateFields(bodyText(body)).map((path) => ({
    kind: 'duplicate',
    path,
    message: `duplicate field "${path}"`,
  }));
}

const lastPart = (apiVersion: unknown) =>
  String(apiVersion ?? '')
    .split('/')
    .pop()!;

/**
 * Checks an object against the tables and brings it into the form Kubernetes would
 * encode it in. Wrong types are always refused; unknown and duplicate fields are
 * refused (Strict), told (Warn) or dropped in silence (Ignore).
 * @param refuse throws; gets the problem in the decoder's words
 */
export function checkStructure(
  object: KubeObject,
  validation: FieldValidation | 'Trust',
  schema: ApiSchema,
  warnings: string[],
  duplicates: StructureError[],
  refuse: (problem: string) => never,
): KubeObject {
  if (validation === 'Trust') return object;
  const faults = [...schema.check(object), ...duplicates];
  const wrong = faults.find((fault) => fault.kind === 'type');
  if (wrong) refuse(wrong.message);
  if (validation === 'Strict' && faults.length > 0) refuse(`strict decoding error: ${messages(faults).join(', ')}`);
  if (validation === 'Warn') warnings.push(...messages(faults));
  return schema.prune(object);
}

const messages = (faults: StructureError[]) => faults.map((fault) => fault.message);
