import { describe, expect, it } from 'vitest';
import type { Secret } from '@shared/k8s';
import { authsFor } from './registry-auth';
import { parseImage, withTag } from './runtime/image-reference';

const secret = (auths: object): Secret =>
  ({ data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') } }) as unknown as Secret;
const users = (image: string, auths: object): (string | undefined)[] =>
  authsFor(image, [secret(auths)]).map((auth) => auth.username);

describe('authsFor', () => {
  it('finds credentials by registry, the longest path first', () => {
    const auths = {
      'reg.example:5000': { username: 'all', password: 'p' },
      'https://reg.example:5000/team': { username: 'team' },
      'other.example': { username: 'no' },
    };
    expect(users('reg.example:5000/team/web:1', auths)).toEqual(['team', 'all']);
    expect(users('reg.example:5000/else/web:1', auths)).toEqual(['all']);
    expect(users('busybox', auths)).toEqual([]);
  });

  it('knows the names of Docker Hub, and stars', () => {
    expect(users('me/private', { 'https://index.docker.io/v1/': { username: 'hub' } })).toEqual(['hub']);
    expect(users('eu.reg.example/web', { '*.reg.example': { username: 'star' } })).toEqual(['star']);
    expect(users('a.b.reg.example/web', { '*.reg.example': { username: 'star' } })).toEqual([]);
  });

  it('reads the packed form and survives what it cannot read', () => {
    const auth = Buffer.from('me:pa:ss').toString('base64');
    expect(authsFor('r.example/x', [secret({ 'r.example': { auth } })])[0]).toMatchObject({
      username: 'me',
      password: 'pa:ss',
    });
    expect(authsFor('r.example/x', [{ data: { '.dockerconfigjson': 'nonsense' } } as unknown as Secret])).toEqual([]);
  });
});

describe('parseImage', () => {
  it.each([
    ['busybox', { registry: 'docker.io', name: 'busybox', tag: 'latest' }],
    ['team/web:2', { registry: 'docker.io', name: 'team/web', tag: '2' }],
    ['localhost:5000/web', { registry: 'localhost:5000', name: 'localhost:5000/web', tag: 'latest' }],
    [
      `r.example/a/b@sha256:${'0'.repeat(64)}`,
      { registry: 'r.example', name: 'r.example/a/b', digest: `sha256:${'0'.repeat(64)}` },
    ],
  ])('%s', (text, wanted) => {
    expect(parseImage(text)).toEqual(wanted);
  });

  it.each(['', 'Upper', 'a b', 'web:', '-x', 'a//b'])('refuses %j', (text) => {
    expect(() => parseImage(text)).toThrow('invalid reference format');
  });

  it('withTag names the tag that is meant', () => {
    expect(withTag('web')).toBe('web:latest');
    expect(withTag('web:1')).toBe('web:1');
  });
});
