import { describe, expect, it } from 'vitest';
import { createDockerLogin } from './docker-login';

const basic = (text: string): string => Buffer.from(text).toString('base64');

const login = (config: object | string | undefined, answers: Record<string, string> = {}, env = {}) => {
  const asked: string[] = [];
  const reads: string[] = [];
  const made = createDockerLogin({
    env,
    home: '/home/me',
    read: async (path) => {
      reads.push(path);
      if (config === undefined) throw Object.assign(new Error('none'), { code: 'ENOENT' });
      return typeof config === 'string' ? config : JSON.stringify(config);
    },
    ask: async (helper, server) => {
      asked.push(`${helper} ${server}`);
      const answer = answers[helper];
      if (!answer) throw new Error('credentials not found in native keychain');
      return answer;
    },
  });
  return { asked, reads, of: (image: string) => made.authsFor(image) };
};

describe("the user's docker login", () => {
  it('is read from the file, for the registry of the image alone', async () => {
    const { of, reads } = login({
      auths: {
        'https://index.docker.io/v1/': { auth: basic('me:hub') },
        'registry.test:5000': { auth: basic('me:own') },
      },
    });
    expect(await of('nginx')).toEqual({
      auths: [{ username: 'me', password: 'hub', serveraddress: 'https://index.docker.io/v1/' }],
    });
    expect(await of('registry.test:5000/a/b:1')).toEqual({
      auths: [{ username: 'me', password: 'own', serveraddress: 'registry.test:5000' }],
    });
    expect(await of('other.test/a')).toEqual({ auths: [] });
    expect(reads[0]).toBe('/home/me/.docker/config.json');
  });

  it('asks the store that keeps the password, and the helper of a registry before it', async () => {
    const config = {
      auths: { 'https://index.docker.io/v1/': {} },
      credsStore: 'desktop',
      credHelpers: { 'gcr.io': 'gcloud' },
    };
    const answers = {
      desktop: JSON.stringify({ Username: 'me', Secret: 'hidden' }),
      gcloud: JSON.stringify({ Username: '<token>', Secret: 'tok' }),
    };
    const { of, asked } = login(config, answers);
    expect((await of('nginx')).auths).toMatchObject([{ username: 'me', password: 'hidden' }]);
    expect((await of('gcr.io/p/i')).auths).toMatchObject([{ identitytoken: 'tok' }]);
    expect((await of('elsewhere.test/p/i')).auths).toEqual([]);
    expect(asked).toEqual(['desktop https://index.docker.io/v1/', 'gcloud gcr.io']);
  });

  it('says why it cannot be used', async () => {
    const { of } = login({ auths: { 'a.test': {} }, credsStore: 'pass' });
    expect(await of('a.test/i')).toEqual({
      auths: [],
      problem: 'docker-credential-pass: credentials not found in native keychain',
    });
    expect((await login('{').of('nginx')).problem).toMatch(/^\/home\/me\/\.docker\/config\.json: /);
    expect(await login(undefined).of('nginx')).toEqual({ auths: [] });
  });

  it('is where DOCKER_CONFIG says', async () => {
    const { of, reads } = login({}, {}, { DOCKER_CONFIG: '/else' });
    await of('nginx');
    expect(reads).toEqual(['/else/config.json']);
  });
});
