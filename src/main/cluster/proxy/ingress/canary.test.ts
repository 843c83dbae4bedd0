import { describe, expect, it } from 'vitest';
import { render } from './render';
import { answer, backendsOf, ingress, outcome, siteOf } from './testing';

const backends = backendsOf('a', 'b');
const host = 'x.example';
const main = (annotations: Record<string, string> = {}, path = '/') =>
  ingress([{ host, path, to: 'a' }], { annotations });
const canary = (annotations: Record<string, string>, path = '/') =>
  ingress([{ host, path, to: 'b' }], { annotations: { canary: 'true', ...annotations } });

const serve = (annotations: Record<string, string>) => {
  const { site, findings } = siteOf([main(), canary(annotations)], backends);
  expect(findings).toEqual([]);
  return (headers: Record<string, string> = {}) => outcome(site, { host, path: '/', headers });
};

describe('a canary', () => {
  it('gets those whose header says so, and the others never', () => {
    const ask = serve({ 'canary-by-header': 'X-New' });
    expect(['always', 'never', 'perhaps'].map((value) => ask({ 'X-New': value }))).toEqual([
      'default_b_80',
      'default_a_80',
      'default_a_80',
    ]);
    expect(ask()).toBe('default_a_80');
    const byValue = serve({ 'canary-by-header': 'X-New', 'canary-by-header-value': 'eu' });
    expect([byValue({ 'X-New': 'eu' }), byValue({ 'X-New': 'always' })]).toEqual(['default_b_80', 'default_a_80']);
    const byPattern = serve({ 'canary-by-header': 'X-New', 'canary-by-header-pattern': 'eu|us' });
    expect([byPattern({ 'X-New': 'us' }), byPattern({ 'X-New': 'asia' })]).toEqual(['default_b_80', 'default_a_80']);
  });

  it('gets those whose cookie says so, where no header decides', () => {
    const ask = serve({ 'canary-by-header': 'X-New', 'canary-by-cookie': 'new' });
    expect(ask({ cookie: 'a=1; new=always; b=2' })).toBe('default_b_80');
    expect(ask({ cookie: 'new=never' })).toBe('default_a_80');
    expect(ask({ cookie: 'renew=always' })).toBe('default_a_80');
    expect(ask({ cookie: 'new=always', 'X-New': 'never' })).toBe('default_a_80');
  });

  it('gets its share of the rest, in words that nginx knows', () => {
    const { site } = siteOf([main({ 'proxy-read-timeout': '7' }), canary({ 'canary-weight': '25' })], backends);
    expect(answer(site, { host, path: '/' })).toMatchObject({
      targets: [
        { upstream: 'default_a_80', weight: 75 },
        { upstream: 'default_b_80', weight: 25 },
      ],
    });
    const text = render(site, 'pem', { http: 80, https: 443 }).files.get('nginx.conf')!;
    expect(text).toMatch(/75\.00% default_a_80;\n\s*\* default_b_80;/);
    const all = siteOf([main(), canary({ 'canary-weight': '10', 'canary-weight-total': '10' })], backends);
    expect(answer(all.site, { host, path: '/' })).toMatchObject({ targets: [{ weight: 0 }, { weight: 10 }] });
  });

  it('is passed on as the main ingress wants it, with regular expressions too', () => {
    const path = '/api(/|$)(.*)';
    const { site } = siteOf(
      [
        ingress([{ host, path, type: 'ImplementationSpecific', to: 'a' }], {
          annotations: { 'rewrite-target': '/$2', 'use-regex': 'true' },
        }),
        ingress([{ host, path, type: 'ImplementationSpecific', to: 'b' }], {
          annotations: { canary: 'true', 'canary-by-header': 'X-New' },
        }),
      ],
      backends,
    );
    const text = render(site, 'pem', { http: 80, https: 443 }).files.get('nginx.conf')!;
    expect(text).toMatch(/location ~\* "[^"]+" \{ client_max_body_size 1m; try_files "" /);
    const action = answer(site, { host, path: '/api/x', headers: { 'X-New': 'always' } });
    expect(action).toMatchObject({ targets: [{ upstream: 'default_b_80' }], rewrite: { replacement: '/$2' } });
  });

  it('says so when there is nothing to get a part of, and serves nothing by itself', () => {
    const { site, findings } = siteOf([main(), canary({ 'canary-weight': '50' }, '/other')], backends);
    expect(findings.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
      'InvalidCanary: no other ingress serves x.example/other, of which this is to get a part',
    ]);
    expect(outcome(site, { host, path: '/other' })).toBe('default_a_80');
  });
});
