import { expect, it } from 'vitest';
import type { Volume } from '@shared/k8s';
import { volumeParts } from './volume-words';

const parts = (volume: object) => volumeParts({ name: 'v', ...volume } as Volume);

it('names the objects behind a volume', () => {
  expect(parts({ configMap: { name: 'settings', defaultMode: 420 } })).toEqual({
    source: 'configMap',
    objects: [{ kind: 'ConfigMap', name: 'settings' }],
    words: '',
  });
  expect(parts({ secret: { secretName: 'db', optional: true } })).toEqual({
    source: 'secret',
    objects: [{ kind: 'Secret', name: 'db' }],
    words: 'optional: true',
  });
  expect(parts({ persistentVolumeClaim: { claimName: 'data', readOnly: true } })).toMatchObject({
    objects: [{ kind: 'PersistentVolumeClaim', name: 'data' }],
    words: 'readOnly: true',
  });
});

it('lists what a projected volume gathers', () => {
  const sources = [
    { serviceAccountToken: { path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt' } },
    { secret: { name: 'db' } },
    { downwardAPI: { items: [] } },
  ];
  expect(parts({ projected: { defaultMode: 420, sources } })).toEqual({
    source: 'projected',
    objects: [
      { kind: 'ConfigMap', name: 'kube-root-ca.crt' },
      { kind: 'Secret', name: 'db' },
    ],
    words: 'serviceAccountToken, downwardAPI',
  });
});

it('says of other volumes what they say of themselves', () => {
  expect(parts({ emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } }).words).toBe('medium: Memory, sizeLimit: 64Mi');
  expect(parts({ emptyDir: {} })).toEqual({ source: 'emptyDir', objects: [], words: '' });
  expect(parts({ hostPath: { path: '/srv', type: '' } }).words).toBe('path: /srv');
});
