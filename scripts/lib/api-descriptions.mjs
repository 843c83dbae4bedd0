// What the types and fields of the API mean: read from the doc comments of the client library when the app is built.
// Nothing of it is kept in the repository.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

const models = join(root, 'node_modules', '@kubernetes', 'client-node', 'dist', 'gen', 'models');

/** The comment without its frame and the escapes the generator of the library adds. */
function words(comment) {
  return comment
    .replace(/^\s*\*\s?/gm, '')
    .replace(/\\(['"])/g, '$1')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The descriptions in one declaration file, by field; '' is the type's own. */
export function parseDeclarations(text) {
  const found = {};
  for (const [, comment, field] of text.matchAll(
    /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*(?:export declare class|'([^']+)'\??:)/g,
  )) {
    const said = words(comment);
    if (said) found[field ?? ''] = said;
  }
  return found;
}

const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);

/** The declaration file of a type of the tables: `core.v1` `Event` is CoreV1Event, most others V1Name. */
function fileOf(inPackage, name) {
  const [group, version] = inPackage.split('.');
  if (!version) return undefined;
  return [`${capital(group)}${capital(version)}${name}`, `${capital(version)}${name}`]
    .map((candidate) => join(models, `${candidate}.d.ts`))
    .find((file) => existsSync(file));
}

/** Descriptions by `core.v1.PodSpec` and field, for every type of the API tables that the client library knows. */
export function apiDescriptions() {
  const tables = JSON.parse(readFileSync(join(root, 'resources', 'api', 'tables.json'), 'utf8'));
  const all = {};
  for (const { name: inPackage, types } of tables) {
    for (const [name, fields] of Object.entries(types)) {
      const file = fileOf(inPackage, name);
      if (!file) continue;
      const known = new Set(fields.map((line) => line.split(' ')[0]));
      const said = Object.entries(parseDeclarations(readFileSync(file, 'utf8'))).map(([field, text]) => [
        // The library puts a _ before words that its language keeps for itself.
        known.has(field) ? field : field.replace(/^_/, ''),
        text,
      ]);
      all[`${inPackage}.${name}`] = Object.fromEntries(said);
    }
  }
  return all;
}

/** Writes the descriptions beside the main bundle, as `api-descriptions.json`. */
export function apiDescriptionsPlugin() {
  return {
    name: 'gantry-api-descriptions',
    generateBundle() {
      this.emitFile({
        type: 'asset',
        fileName: 'api-descriptions.json',
        source: JSON.stringify(apiDescriptions()),
      });
    },
  };
}
