import type { DocumentFault } from '@shared/bridge/contract';
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import { ApiError } from '../../cluster/api/errors';
import { toBridgeError } from '../errors';
import type { Position, SourceObject } from './documents';
import { locate, search, splitPath } from './locate';

const strictField = /(unknown|duplicate) field "((?:[^"\\]|\\.)*)"/g;
const unmarshal = /cannot unmarshal (\w+)(?: [\w.+-]+)? into Go (?:struct field (\S+)|value) of type (\S+)/;
const quantity = /^[+-]?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;

/** Faults told without a field: how to know them, and where and what the wrong value can be. */
const anonymous: { told: RegExp; where: RegExp; isWrong: (value: unknown, message: string) => boolean }[] = [
  {
    told: /quantities must match the regular expression '[^']*'|unable to parse quantity's suffix/,
    where: /(^|\.)(limits|requests|capacity|hard|overhead|sizeLimit|divisor)(\.|$)/,
    isWrong: (value) => !quantity.test(String(value)),
  },
  {
    told: /illegal base64 data at input byte \d+/,
    where: /^(data|binaryData)\./,
    isWrong: (value) => {
      const text = String(value).replace(/[\r\n]/g, '');
      return text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text);
    },
  },
  {
    told: /parsing time .*/,
    where: /./,
    isWrong: (value, message) => typeof value === 'string' && message.includes(`parsing time ${JSON.stringify(value)}`),
  },
  {
    told: /json: cannot unmarshal \w+ into Go value of type int32/,
    where: /(^|\.)(port|targetPort|maxSurge|maxUnavailable|minAvailable)$/,
    isWrong: (value) => typeof value !== 'string' && !Number.isInteger(value),
  },
];

/** JSON's name for what a node holds, as Go's decoder says it. */
function jsonType(value: Node): string {
  if (isMap(value)) return 'object';
  if (isSeq(value)) return 'array';
  if (!isScalar(value)) return 'null';
  if (value.value === null) return 'null';
  if (typeof value.value === 'boolean') return 'bool';
  return typeof value.value === 'number' || typeof value.value === 'bigint' ? 'number' : 'string';
}

/** Words for a Go type. */
function typeWords(type: string): string {
  if (/^u?int\d*$/.test(type)) return 'a whole number';
  if (/^float\d+$/.test(type)) return 'a number';
  if (type === 'string') return 'a string';
  if (type === 'bool') return 'true or false';
  if (type.startsWith('[]')) return 'a list';
  if (type.startsWith('map[')) return 'a map';
  return 'an object';
}

/** Turns an API's refusal of one object into faults at their lines. */
export class FaultMapper {
  constructor(
    private readonly source: SourceObject,
    private readonly position: (offset: number) => Position,
  ) {}

  map(error: unknown): DocumentFault[] {
    if (!(error instanceof ApiError)) return [this.whole(toBridgeError(error).message)];
    const { message } = error;
    const strict = [...message.matchAll(strictField)];
    if (strict.length) return strict.map(([text, , path]) => this.at(path!, text, 'key'));
    const scalar = this.badScalar(message);
    if (scalar) return [scalar];
    const typed = unmarshal.exec(message);
    if (typed) return [this.wrongType(typed[1]!, typed[2], typed[3]!, message)];
    const causes = (error.status.details?.causes ?? []).filter((cause) => cause.field || cause.message);
    if (error.code === 422 && causes.length) {
      return causes.map((cause) => {
        const { field } = cause;
        if (!field || field === '<nil>') return this.whole(cause.message ?? message);
        return this.at(field, `${field}: ${cause.message}`, 'value');
      });
    }
    if (error.code === 404 && error.status.details?.kind === 'namespaces')
      return [this.at('metadata.namespace', message, 'value')];
    return [this.whole(message)];
  }

  /** A fault of the kind: the line of `kind`. */
  kind(message: string): DocumentFault {
    return this.at('kind', message, 'value');
  }

  /** The first line of an object, from 1. */
  lineOf(node: Node): number {
    return this.position(node.range![0]).line;
  }

  whole(message: string): DocumentFault {
    return { ...this.position(this.source.node.range![0]), message };
  }

  private at(path: string, message: string, prefer: 'key' | 'value'): DocumentFault {
    const found = locate(this.source.node, path);
    const complete = found.depth === splitPath(path).length;
    // Where a field is missing, its parent's key shows the place.
    const node = complete && prefer === 'value' && isScalar(found.value) ? found.value : found.at;
    return { ...this.position(node.range![0]), path, message };
  }

  private wrongType(got: string, field: string | undefined, wanted: string, message: string): DocumentFault {
    // `Deployment.spec.replicas`: the first part is the Go struct.
    const path = field ? field.split('.').slice(1).join('.') : '';
    if (!path) return this.whole(message);
    const isWrong = (value: Node) => jsonType(value) === got;
    const words = (where: string) => `cannot unmarshal ${got} into ${where}: it must be ${typeWords(wanted)}`;
    const { node } = this.source;
    const found = locate(node, path, isWrong);
    if (found.depth === splitPath(path).length) {
      if (isWrong(found.value)) return this.at(found.path, words(found.path), 'value');
      // Of a map or list the decoder names the whole, not the entry.
      const inner = search(found.value, isWrong, found.path);
      if (inner) return { ...this.position(inner.value.range![0]), path: inner.path, message: words(inner.path) };
    }
    // Older servers name the last struct only (`Container.image`): look for a wrong value under such a key.
    const tail = splitPath(path).at(-1)!;
    const other = search(node, (value, at) => splitPath(at).at(-1) === tail && isWrong(value));
    if (other) return { ...this.position(other.value.range![0]), path: other.path, message: words(other.path) };
    return this.at(path, words(path), 'value');
  }

  /** Messages of decoders that do not name the field: the first value they can be about. */
  private badScalar(message: string): DocumentFault | undefined {
    const wrong = anonymous.find((one) => one.told.test(message));
    const [words] = wrong?.told.exec(message) ?? [];
    if (!wrong || !words) return undefined;
    const found = search(
      this.source.node,
      (value, path) => isScalar(value) && wrong.where.test(path) && wrong.isWrong(value.value, message),
    );
    if (!found) return this.whole(words);
    return { ...this.position(found.value.range![0]), path: found.path, message: `${found.path}: ${words}` };
  }
}
