import { describe, expect, it } from 'vitest';
import { parseCustomColumns, printCustomColumns } from './custom-columns';
import { compileGoTemplate } from './go-template';
import { compileJsonPath, relaxedPath } from './jsonpath';
import { sortByPath } from './sort';

const pod = (name: string, images: string[], cpu = '1'): any => ({
  metadata: { name, labels: { 'app.kubernetes.io/name': name, tier: 'x' }, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {
    containers: images.map((image, at) => ({ name: `c${at}`, image, ports: [{ port: 80 + at }] })),
    nodeName: null,
  },
  cpu,
});
const list = { items: [pod('b', ['x:1', 'y:1']), pod('a', ['z:1'])] };

describe('JSONPath', () => {
  it.each([
    ['{.items[*].metadata.name}', 'b a'],
    ['{range .items[*]}{.metadata.name}{"\\t"}{.spec.containers[0].image}{"\\n"}{end}', 'b\tx:1\na\tz:1\n'],
    ['{.items[?(@.metadata.name=="a")].spec.containers[*].image}', 'z:1'],
    ['{.items[0].spec.containers[?(@.ports[0].port>80)].name}', 'c1'],
    ["{.items[0].metadata.labels['app\\.kubernetes\\.io/name']}", 'b'],
    ['{.items[0].metadata.labels.app\\.kubernetes\\.io/name}', 'b'],
    ["{.items[0]['metadata.name','kind']}", ''],
    ['{.items[-1].metadata.name}', 'a'],
    ['{.items[0:1].metadata.name}', 'b'],
    ['{..image}', 'x:1 y:1 z:1'],
    ['{.items[0].metadata.labels}', '{"app.kubernetes.io/name":"b","tier":"x"}'],
    ['name: {.items[1].metadata.name}{.nope}', 'name: a'],
    ['{@.items[1].metadata.name}', 'a'],
  ])('%s', (template, text) => {
    expect(compileJsonPath(template).print(list)).toBe(text);
  });

  it('says what is wrong with a template or an index', () => {
    expect(() => compileJsonPath('{.a')).toThrow('unclosed action');
    expect(() => compileJsonPath('{.items[9]}').print(list)).toThrow('array index out of bounds: index 9, length 2');
    expect(() => compileJsonPath('{.nope}', { allowMissing: false }).print(list)).toThrow('nope is not found');
  });

  it('accepts the relaxed forms', () => {
    expect(['metadata.name', '.metadata.name', '{.metadata.name}', '{metadata.name}'].map(relaxedPath)).toEqual(
      Array<string>(4).fill('{.metadata.name}'),
    );
  });
});

describe('custom columns', () => {
  it('prints a column per path and <none> for what is missing', () => {
    const columns = parseCustomColumns('NAME:.metadata.name,IMAGE:.spec.containers[*].image,X:.x');
    expect(printCustomColumns(columns, list.items, false)).toBe(
      'NAME   IMAGE     X\nb      x:1,y:1   <none>\na      z:1       <none>\n',
    );
  });

  it('refuses a column without a path', () => {
    expect(() => parseCustomColumns('NAME')).toThrow(
      'unexpected custom-columns spec: NAME, expected <header>:<json-path-expr>',
    );
  });
});

describe('Go templates', () => {
  it.each([
    ['{{range .items}}{{.metadata.name}} {{end}}', 'b a '],
    ['{{range $i, $p := .items}}{{$i}}={{$p.metadata.name}};{{end}}', '0=b;1=a;'],
    ['{{with index .items 1}}{{.metadata.name | printf "%s!"}}{{end}}', 'a!'],
    ['{{if eq (len .items) 2}}two{{else}}other{{end}}', 'two'],
    ['{{ (index .items 0).metadata.name }}{{.nope}}', 'b<no value>'],
    ['{{range $k, $v := (index .items 0).metadata.labels}}{{$k}}:{{$v}} {{end}}', 'app.kubernetes.io/name:b tier:x '],
    ['{{ "eA==" | base64decode }}', 'x'],
  ])('%s', (template, text) => {
    expect(compileGoTemplate(template)(list)).toBe(text);
  });

  it('refuses what it does not know', () => {
    expect(() => compileGoTemplate('{{foo}}')).toThrow('function "foo" not defined');
    expect(() => compileGoTemplate('{{range .x}}')).toThrow('unexpected EOF');
  });
});

describe('sortByPath', () => {
  it('sorts names, numbers and quantities; a field nobody has is an error', () => {
    const objects = [pod('b', [], '1'), pod('a', [], '200m'), pod('c', [], '2')];
    const names = (path: string) => sortByPath(objects, path).map((object) => object.metadata.name);
    expect(names('.metadata.name')).toEqual(['a', 'b', 'c']);
    expect(names('{.cpu}')).toEqual(['a', 'b', 'c']);
    expect(() => names('.nope')).toThrow("couldn't find any field with path");
  });
});
