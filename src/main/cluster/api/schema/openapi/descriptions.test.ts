import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { apiDescriptions, parseDeclarations } from '../../../../../../scripts/lib/api-descriptions.mjs';
import { structType } from '../table';
import { descriptionsIn } from './descriptions';

it('reads the comments of a declaration', () => {
  const text = `/**
 * Generated.
 */
/**
* A \\"thing\\"
* of two lines.
*/
export declare class V1Thing {
    /**
    * Where it\\'s from.
    */
    '_from'?: string;
    'untold': string;
    static readonly mapping: {};
}`;
  expect(parseDeclarations(text)).toEqual({ '': 'A "thing" of two lines.', _from: "Where it's from." });
});

it('knows most fields of the kinds people write', () => {
  const known = apiDescriptions();
  for (const [module, name] of [
    ['core.v1', 'PodSpec'],
    ['core.v1', 'Container'],
    ['core.v1', 'ServiceSpec'],
    ['apps.v1', 'DeploymentSpec'],
    ['networking.v1', 'IngressSpec'],
    ['autoscaling.v2', 'HorizontalPodAutoscalerSpec'],
    ['meta.v1', 'ObjectMeta'],
  ] as const) {
    // The library says nothing about fields that are structs: their types speak for them.
    const all = [...structType(module, name).fields.values()];
    const fields = all.filter(({ type }) => type.kind !== 'struct').map((field) => field.name);
    const told = fields.filter((field) => known[`${module}.${name}`]![field]);
    expect(told.length / fields.length, `${module}.${name}`).toBeGreaterThan(0.9);
  }
  expect(known['networking.v1.NetworkPolicyIngressRule']!.from).toBeDefined();
});

it('takes a file, and does without', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-words-'));
  try {
    const file = join(directory, 'words.json');
    expect(descriptionsIn(file)()).toEqual({});
    writeFileSync(file, '{"core.v1.Pod":{"":"A pod."}}');
    expect(descriptionsIn(file)()['core.v1.Pod']).toEqual({ '': 'A pod.' });
    expect(descriptionsIn(undefined)()).toEqual({});
  } finally {
    rmSync(directory, { recursive: true });
  }
});
