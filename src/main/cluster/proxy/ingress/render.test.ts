import { expect, it } from 'vitest';
import { seededRandom } from '../../../../../test/support/random';
import { readAnnotations } from './annotations';
import type { Site } from './model';
import { literal, pattern, replacement, UnfitValue } from './quoting';
import { render } from './render';
import { backendsOf, ingress, siteOf } from './testing';

const token = /\s+|([;{}])|"((?:[^"\\]|\\[^])*)"(?=[\s;{])|((?:[^\s;{}"]|\$\{\w+\})(?:[^\s;{}]|\$\{\w+\})*)/y;

/** Reads text as nginx does: words and quoted words, ended by `;`, `{` or `}`. @throws Error where nginx would */
function parse(text: string): string[][] {
  const statements: string[][] = [];
  let words: string[] = [];
  let depth = 0;
  for (token.lastIndex = 0; token.lastIndex < text.length;) {
    const at = token.lastIndex;
    const found = token.exec(text);
    if (!found) throw new Error(`unexpected ${JSON.stringify(text.slice(at, at + 60))}`);
    const [whole, end, quoted, word] = found;
    if (quoted !== undefined || word !== undefined) words.push(whole);
    if (!end) continue;
    depth += end === '{' ? 1 : end === '}' ? -1 : 0;
    if (depth < 0) throw new Error('unexpected "}"');
    if (end !== '}' || words.length) statements.push([...words, end]);
    words = [];
  }
  if (depth !== 0) throw new Error('a block does not end');
  return statements;
}

const nasty = [
  '"',
  '\\',
  '$',
  '{',
  '}',
  ';',
  '\n',
  '#',
  "'",
  ' ',
  '${',
  '$1',
  '\\"',
  'a',
  '/',
  '%0a',
  '%22',
  '\u0000',
  'é',
  '}\nserver{',
  '";return 200;#',
  '(',
  ')',
  '*',
  '~',
];

it('makes one word of any text, or refuses it', () => {
  const next = seededRandom(7);
  for (let round = 0; round < 600; round++) {
    const text = Array.from({ length: Math.floor(next() * 8) }, () => nasty[Math.floor(next() * nasty.length)]!).join(
      '',
    );
    for (const quote of [literal, pattern, replacement]) {
      let word: string;
      try {
        word = quote(text);
      } catch (error) {
        expect(error).toBeInstanceOf(UnfitValue);
        expect([...text].some((char) => char < ' ')).toBe(true);
        continue;
      }
      const bare = word.replaceAll('${gantry_dollar}', '');
      const variables = quote === literal ? bare.includes('$') : quote === replacement && /\$[^1-9]|\$$/.test(bare);
      const words = parse(`x ${word};`);
      if (variables || words.length !== 1 || words[0]!.length !== 3)
        expect.unreachable(`${JSON.stringify(text)} became ${word}`);
    }
  }
});

it('refuses what does not fit into a word of nginx', () => {
  expect(() => literal('x'.repeat(4000))).toThrow(UnfitValue);
});

it('keeps every object to its own words, whatever its fields hold', () => {
  const next = seededRandom(11);
  const backends = backendsOf('a');
  const text = (): string =>
    Array.from({ length: 1 + Math.floor(next() * 6) }, () => nasty[Math.floor(next() * nasty.length)]!).join('');
  const names = [
    'rewrite-target',
    'proxy-body-size',
    'app-root',
    'permanent-redirect',
    'upstream-vhost',
    'x-forwarded-prefix',
    'session-cookie-path',
    'cors-allow-origin',
    'cors-allow-headers',
    'whitelist-source-range',
    'session-cookie-name',
    'proxy-read-timeout',
  ];
  const allowed = new Set(directives(siteOf([ingress([{ host: 'x.example', to: 'a' }])], backends).site));
  for (const word of [
    'rewrite',
    'allow',
    'deny',
    'if',
    'add_header',
    'hash',
    'proxy_hide_header',
    'default',
    '$cookie_',
    'client_max_body_size',
    'upstream',
    'keepalive',
    'keepalive_timeout',
  ])
    allowed.add(word);
  for (let round = 0; round < 60; round++) {
    const annotations: Record<string, string> = { 'enable-cors': 'true', affinity: 'cookie' };
    for (const name of names) if (next() < 0.4) annotations[name] = next() < 0.5 ? `/${text()}` : text();
    const type = (['Exact', 'Prefix', 'ImplementationSpecific'] as const)[Math.floor(next() * 3)]!;
    const one = ingress([{ host: 'x.example', path: `/${text()}`, type, to: 'a' }], { annotations });
    const { site } = siteOf([one], backends);
    const strange = directives(site).filter(
      (word) => !/^(["~$*\d]|ingress\.choose\("[\w.-]+"[,)])/.test(word) && !allowed.has(word),
    );
    expect(strange).toEqual([]);
  }
});

/** The first word of every statement. */
function directives(site: Site): string[] {
  const { files } = render(site, 'pem', { http: 80, https: 443 });
  return parse(files.get('nginx.conf')!).map(([word]) => word!);
}

it('knows who asked for a line', () => {
  const one = ingress([{ host: 'x.example', path: '/(', type: 'ImplementationSpecific', to: 'a' }], {
    annotations: { 'use-regex': 'true' },
  });
  const { files, source } = render(siteOf([one], backendsOf('a')).site, 'pem', { http: 80, https: 443 });
  const lines = files.get('nginx.conf')!.split('\n');
  const line = lines.findIndex((text) => text.includes('"^/("')) + 1;
  expect(source(line)).toBe(one);
  expect(source(1)).toBeUndefined();
});

it('leaves out a path that cannot be written, and says whose it is', () => {
  const one = ingress([
    { host: 'x.example', path: '/a%0ab', to: 'a' },
    { host: 'x.example', path: '/fine', to: 'a' },
  ]);
  const { files, unfit } = render(siteOf([one], backendsOf('a')).site, 'pem', { http: 80, https: 443 });
  expect(new Set(unfit.map(({ object }) => object))).toEqual(new Set([one]));
  expect(files.get('nginx.conf')).toContain('location "/fine/"');
});

it('is the same for the same objects, and not for others', () => {
  const objects = [ingress([{ host: 'x.example', to: 'a' }]), ingress([{ host: 'y.example', to: 'b' }])];
  const name = (list: typeof objects) =>
    render(siteOf(list, backendsOf('a', 'b')).site, 'pem', { http: 80, https: 443 }).name;
  expect(name(objects)).toBe(name(objects.toReversed()));
  expect(name(objects)).not.toBe(name(objects.slice(1)));
});

it('does not take values of the prototype for readers of annotations', () => {
  const one = ingress([{ to: 'a' }], { annotations: { constructor: 'x' } });
  expect(readAnnotations(one).complaints).toEqual([expect.objectContaining({ reason: 'UnsupportedAnnotation' })]);
});

it('tells which pods there are in a file of its own, for which nginx is not loaded anew', () => {
  const upstream = (...ips: string[]) => ({ name: 'default_a_80', servers: ips.map((ip) => ({ ip, port: 8080 })) });
  const { site } = siteOf([ingress([{ host: 'x.example', to: 'a' }])], backendsOf('a'));
  const configurations = [upstream('10.0.0.1'), upstream('10.0.0.1', '10.0.0.2')].map((one) =>
    render({ ...site, upstreams: [one] }, 'pem', { http: 80, https: 443 }),
  );
  expect(configurations.map(({ files }) => files.get('endpoints'))).toEqual([
    'default_a_80 10.0.0.1:8080\n',
    'default_a_80 10.0.0.1:8080 10.0.0.2:8080\n',
  ]);
  expect(new Set(configurations.map(({ name }) => name)).size).toBe(1);
  expect(new Set(configurations.map(({ version }) => version)).size).toBe(2);
});
