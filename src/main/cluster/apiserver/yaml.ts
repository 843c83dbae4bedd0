import { isScalar, parseDocument, visit, type Document, type ScalarTag } from 'yaml';
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

/** One YAML document as data, in time linear in its length. @throws ApiError 400 with the parser's line and column */
export function parseYaml(text: string): unknown {
  try {
    const excess = yamlExcess(text);
    if (excess) throw new Error(excess.message);
    // The parser's own look for keys given twice compares each with each.
    const document = parseDocument(text, { merge: true, uniqueKeys: false, customTags: (tags) => [octal, ...tags] });
    if (document.errors.length > 0) throw document.errors[0]!;
    refuseDuplicates(document);
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw badRequest(`error converting YAML to JSON: ${(error as Error).message}`);
  }
}

/** @throws Error for a key given twice */
function refuseDuplicates(document: Document.Parsed): void {
  visit(document, {
    Map(_, map) {
      const keys = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key) || key.value === '<<') continue;
        if (keys.has(key.value)) throw new Error(`key "${String(key.value)}" already set in map`);
        keys.add(key.value);
      }
    },
  });
}
