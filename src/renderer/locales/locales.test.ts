import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createI18n } from 'vue-i18n';
import { expect, it } from 'vitest';
import { kindViews } from '@shared/kinds';
import { en } from './en';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (file) => /\.(vue|ts)$/.test(file) && !file.endsWith('.test.ts'),
);

function has(key: string): boolean {
  let at: unknown = en;
  for (const part of key.split('.')) at = (at as Record<string, unknown> | undefined)?.[part];
  return typeof at === 'string';
}

it('has a text for every key that is used', () => {
  const missing: string[] = [];
  for (const file of files) {
    const source = readFileSync(`${root}/${file}`, 'utf8');
    for (const [, key] of source.matchAll(/\bt\(\s*'([\w.-]+)'/g)) if (!has(key!)) missing.push(`${file}: ${key}`);
    for (const [, key] of source.matchAll(/(?:keypath="|[kK]ey: ')([\w-]+\.[\w.-]+)['"]/g))
      if (!has(key!)) missing.push(`${file}: ${key}`);
  }
  expect(missing).toEqual([]);
});

it('names every kind, section and column', () => {
  const missing = kindViews.flatMap((view) =>
    [
      `kinds.${view.id}`,
      `sections.${view.section}`,
      ...view.columns.map((column) => column.titleKey ?? `columns.${column.id}`),
    ].filter((key) => !has(key)),
  );
  expect(missing).toEqual([]);
});

it('interprets messages without compiling code', () => {
  const evaluate = globalThis.Function;
  globalThis.Function = function refuse() {
    throw new Error('code was compiled from a string');
  } as never;
  try {
    const { t } = createI18n({ legacy: false, locale: 'en', messages: { en } }).global;
    expect(t('actions.notAllowed', { verb: 'delete', resource: 'pods' })).toBe('You may not delete pods here');
  } finally {
    globalThis.Function = evaluate;
  }
});
