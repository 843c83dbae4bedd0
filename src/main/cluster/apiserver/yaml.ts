import { isScalar, parseDocument, visit, type Document, type ScalarTag, type Tags } from 'yaml';
import { yamlExcess } from '@shared/yaml-limits';
import { badRequest } from '../api/errors';

/** 0644 is octal in the YAML that Kubernetes reads. */
const octal: ScalarTag = {
  identify: () => false,
  default: true,
  tag: 'tag:yaml.org,2002:int',
  test: /^0[0-7]+$/,
  resolve: (text: string) => parseInt(text, 8),
};

/** More duplicates than these are not told one by one. */
const mostDuplicates = 10;

/**
 * One YAML document as data, in time linear in its length.
 * @param duplicates gets a message for each key given twice, of which the last counts; without it they are refused
 * @throws ApiError 400 with the parser's line and column
 */
export function parseYaml(text: string, duplicates?: string[]): unknown {
  try {
    const excess = yamlExcess(text);
    if (excess) throw new Error(excess.message);
    // The parser's own look for keys given twice compares each with each.
    const customTags = (tags: Tags) => [octal, ...tags];
    const document = parseDocument(text, { merge: true, uniqueKeys: false, customTags });
    if (document.errors.length > 0) throw document.errors[0]!;
    const twice = duplicateKeys(document, text);
    if (duplicates) duplicates.push(...twice);
    else if (twice.length > 0) throw new Error(twice[0]);
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw badRequest(`error converting YAML to JSON: ${(error as Error).message}`);
  }
}

/** `line 3: key "a" already set in map`, for each key given twice. */
function duplicateKeys(document: Document.Parsed, text: string): string[] {
  const found: string[] = [];
  visit(document, {
    Map(_, map) {
      const keys = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key) || key.value === '<<') continue;
        if (keys.has(key.value) && found.length < mostDuplicates) {
          const line = text.slice(0, key.range?.[0] ?? 0).split('\n').length;
          found.push(`line ${line}: key "${String(key.value)}" already set in map`);
        }
        keys.add(key.value);
      }
    },
  });
  return found;
}
