import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Secret } from '@shared/k8s';
import { describe, expect, it } from 'vitest';
import { answer, backendsOf, ingress, outcome, siteOf } from './testing';

const backends = backendsOf('a', 'b', 'c');
const ask = (site: Parameters<typeof outcome>[0], host: string, path: string, scheme: 'http' | 'https' = 'http') =>
  outcome(site, { scheme, host, path });

describe('which backend answers', () => {
  it('prefers exact paths, then the longest prefix, element by element', () => {
    const { site } = siteOf(
      [
        ingress([
          { host: 'x.example', path: '/', to: 'a' },
          { host: 'x.example', path: '/foo', to: 'b' },
          { host: 'x.example', path: '/foo', type: 'Exact', to: 'c' },
          { host: 'x.example', path: '/bar/', to: 'c' },
        ]),
      ],
      backends,
    );
    expect(ask(site, 'x.example', '/foo')).toBe('default_c_80');
    expect(ask(site, 'x.example', '/foo/')).toBe('default_b_80');
    expect(ask(site, 'x.example', '/foo/bar')).toBe('default_b_80');
    expect(ask(site, 'x.example', '/foobar')).toBe('default_a_80');
    expect(ask(site, 'x.example', '/bar')).toBe('default_c_80');
    expect(ask(site, 'x.example', '/barn')).toBe('default_a_80');
    expect(ask(site, 'other.example', '/foo')).toBe('404');
  });

  it('knows exact hosts before wildcards, which stand for one label, before any host', () => {
    const { site } = siteOf(
      [
        ingress([{ host: '*.x.example', to: 'a' }]),
        ingress([{ host: 'one.x.example', to: 'b' }]),
        ingress([{ path: '/any', to: 'c' }]),
      ],
      backends,
    );
    expect(ask(site, 'one.x.example', '/')).toBe('default_b_80');
    expect(ask(site, 'two.x.example', '/')).toBe('default_a_80');
    expect(ask(site, 'a.b.x.example', '/')).toBe('404');
    expect(ask(site, 'x.example', '/any')).toBe('default_c_80');
  });

  it('takes the default backend where nothing else matches, after all rules', () => {
    const fallback = { defaultBackend: { service: { name: 'b', port: { name: 'http' } } } };
    const { site } = siteOf(
      [ingress([{ host: 'x.example', path: '/a', to: 'a' }], { spec: fallback }), ingress([{ path: '/c', to: 'c' }])],
      backends,
    );
    expect(ask(site, 'x.example', '/a')).toBe('default_a_80');
    expect(ask(site, 'x.example', '/')).toBe('default_b_80');
    expect(ask(site, 'unknown.example', '/')).toBe('default_b_80');
    expect(ask(site, 'unknown.example', '/c')).toBe('default_c_80');
  });

  it('gives a place to the older ingress and tells the younger', () => {
    const older = ingress([{ host: 'x.example', to: 'a' }]);
    const younger = ingress([{ host: 'x.example', to: 'b' }]);
    const { site, findings } = siteOf([younger, older], backends);
    expect(ask(site, 'x.example', '/')).toBe('default_a_80');
    expect(findings).toEqual([expect.objectContaining({ object: younger, reason: 'Conflict' })]);
  });

  it('answers 503 and says why where there is no service, no port or no endpoint', () => {
    const rules = [
      { host: 'none.example', to: 'missing' },
      { host: 'port.example', to: 'a', port: 'admin' },
    ];
    const { site, findings } = siteOf([ingress(rules)], backends);
    expect(ask(site, 'none.example', '/')).toBe('503');
    expect(ask(site, 'port.example', '/')).toBe('503');
    expect(findings.map(({ message }) => message)).toEqual([
      'service "default/missing" was not found',
      'service "default/a" has no port admin',
    ]);
  });

  it('tries regular expressions by their length, ignoring cases, with groups for the rewrite', () => {
    const rules = [
      { host: 'x.example', path: '/api(/|$)(.*)', type: 'ImplementationSpecific' as const, to: 'a' },
      { host: 'x.example', path: '/', to: 'b' },
    ];
    const { site } = siteOf([ingress(rules, { annotations: { 'rewrite-target': '/$2' } })], backends);
    expect(ask(site, 'x.example', '/API/users')).toBe('default_a_80');
    expect(ask(site, 'x.example', '/apis')).toBe('default_b_80');
    const action = answer(site, { host: 'x.example', path: '/api/users' });
    expect(action).toMatchObject({ rewrite: { pattern: '^/api(/|$)(.*)', replacement: '/$2', ignoreCase: true } });
  });
});

describe('annotations', () => {
  const one = (annotations: Record<string, string>, spec = {}) =>
    siteOf([ingress([{ host: 'x.example', to: 'a' }], { annotations, spec })], backends);

  it('redirects to https where there is TLS, unless told otherwise, and everywhere when forced', () => {
    const tls = { tls: [{ hosts: ['x.example'] }] };
    expect(ask(one({}, tls).site, 'x.example', '/')).toBe('308 https:8443');
    expect(ask(one({}, tls).site, 'x.example', '/', 'https')).toBe('default_a_80');
    expect(ask(one({ 'ssl-redirect': 'false' }, tls).site, 'x.example', '/')).toBe('default_a_80');
    expect(ask(one({}).site, 'x.example', '/')).toBe('default_a_80');
    expect(ask(one({ 'force-ssl-redirect': 'true' }).site, 'x.example', '/')).toBe('308 https:8443');
  });

  it('reads what people use most', () => {
    const { site, findings } = one({
      'proxy-body-size': '8m',
      'proxy-read-timeout': '120',
      'whitelist-source-range': '10.0.0.0/8, 192.168.1.1',
      'backend-protocol': 'HTTPS',
      affinity: 'cookie',
      'session-cookie-name': 'route',
      'enable-cors': 'true',
      'cors-allow-origin': 'https://*.example.com',
      'app-root': '/start',
    });
    expect(findings).toEqual([]);
    const route = site.servers.find(({ host, scheme }) => host === 'x.example' && scheme === 'http')!.routes[0]!;
    expect(route.settings).toMatchObject({
      maxBodySize: '8m',
      readTimeoutSeconds: 120,
      allow: ['10.0.0.0/8', '192.168.1.1'],
      cors: { origins: ['https://*.example.com'], credentials: true },
    });
    expect(route.action).toMatchObject({ protocol: 'https', cookie: { name: 'route' } });
    expect(site.upstreams).toEqual([expect.objectContaining({ stickyBy: 'route' })]);
    expect(ask(site, 'x.example', '/')).toBe('302 :80');
  });

  it('refuses snippets, and says what is unknown or wrong, without any effect', () => {
    const { site, findings } = one({
      'configuration-snippet': 'return 200;',
      'proxy-body-size': '8m; } server {',
      'rewrite-target': 'http://evil.example',
      'limit-rps': '5',
    });
    expect(findings.map(({ reason }) => reason).sort()).toEqual([
      'InvalidAnnotation',
      'InvalidAnnotation',
      'RefusedAnnotation',
      'UnsupportedAnnotation',
    ]);
    expect(ask(site, 'x.example', '/')).toBe('default_a_80');
    expect(answer(site, { host: 'x.example', path: '/' })).not.toHaveProperty('rewrite');
  });
});

describe('certificates', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-certificates-'));
  const make = (name: string): Secret => {
    const file = (ending: string) => join(directory, `${name}.${ending}`);
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file('key')];
    execFileSync('openssl', ['req', '-x509', ...key, '-out', file('crt'), ...subject], { stdio: 'ignore' });
    const read = (ending: string) => readFileSync(file(ending)).toString('base64');
    return { data: { 'tls.crt': read('crt'), 'tls.key': read('key') } } as unknown as Secret;
  };
  const good = make('x.example');
  const other = make('y.example');
  rmSync(directory, { recursive: true });
  const swapped = {
    data: { 'tls.crt': good.data!['tls.crt']!, 'tls.key': other.data!['tls.key']! },
  } as unknown as Secret;
  const use = (secret: Secret | undefined) => {
    const tls = [{ hosts: ['x.example'], secretName: 'cert' }];
    const { site, findings } = siteOf(
      [ingress([{ host: 'x.example', to: 'a' }], { spec: { tls } })],
      backends,
      () => secret,
    );
    const server = site.servers.find(({ scheme, host }) => scheme === 'https' && host === 'x.example')!;
    return { certificate: server.certificate, says: findings.map(({ reason, message }) => `${reason}: ${message}`)[0] };
  };

  it('uses the one of the Secret', () => {
    expect(use(good)).toEqual({ certificate: expect.stringMatching(/^[0-9a-f]{24}$/), says: undefined });
  });

  it.each([
    ['missing', undefined, /does not exist/],
    ['of other hosts', other, /for other hosts/],
    ['with another key', swapped, /not the key/],
    ['broken', { data: { 'tls.crt': 'eA==', 'tls.key': 'eA==' } } as unknown as Secret, /no certificate/],
    ['empty', { data: {} } as unknown as Secret, /must hold/],
  ])('falls back to the default when it is %s, and says so', (_, secret, reason) => {
    const { certificate, says } = use(secret);
    expect(certificate).toBeUndefined();
    expect(says).toMatch(/^InvalidCertificate: secret "cert" is not used for x.example/);
    expect(says).toMatch(reason);
  });
});
