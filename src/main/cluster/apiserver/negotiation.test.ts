import { describe, expect, it } from 'vitest';
import { negotiate } from './negotiation';

const protobuf = 'application/vnd.kubernetes.protobuf';
const table = 'as=Table;v=v1;g=meta.k8s.io';
const metadata = 'as=PartialObjectMetadata;v=v1;g=meta.k8s.io';

describe('negotiate', () => {
  it.each([
    ['', 'json'],
    ['*/*', 'json'],
    ['application/*', 'json'],
    [protobuf, 'protobuf'],
    ['application/yaml', 'yaml'],
    [`${protobuf},application/json`, 'protobuf'],
    [`application/json, ${protobuf}`, 'json'],
    [`application/json;q=0.5, ${protobuf}`, 'protobuf'],
    [`${protobuf};q=0.8,application/yaml;q=0.9,*/*;q=0.1`, 'yaml'],
    [`*/*, ${protobuf}`, 'protobuf'],
    ['image/png, */*;q=0.1', 'json'],
    [`APPLICATION/VND.kubernetes.protobuf`, 'protobuf'],
    [`application/json;as=Sheet;v=v1;g=meta.k8s.io,${protobuf}`, 'protobuf'],
  ])('%s means %s', (accept, media) => expect(negotiate(accept, 'everything')).toEqual({ media }));

  it.each([
    [`application/json;${table},application/json`, { media: 'json', as: 'Table' }],
    [`${protobuf};${table},application/json;${table}`, { media: 'json', as: 'Table' }],
    [`${protobuf};${table},${protobuf}`, { media: 'protobuf' }],
    [`${protobuf};${metadata},application/json;${metadata}`, { media: 'protobuf', as: 'PartialObjectMetadata' }],
  ])('%s is a view', (accept, chosen) => expect(negotiate(accept, 'everything')).toEqual(chosen));

  it('offers custom kinds no protobuf, but that of their metadata', () => {
    expect(negotiate(`${protobuf},application/json`, 'custom')).toEqual({ media: 'json' });
    expect(negotiate(`${protobuf};${metadata}`, 'custom')).toEqual({ media: 'protobuf', as: 'PartialObjectMetadata' });
    expect(() => negotiate(protobuf, 'custom')).toThrow(
      'only the following media types are accepted: application/json, application/yaml',
    );
  });

  it('offers no YAML for a stream', () => {
    expect(negotiate('application/yaml,application/json;q=0.5', 'events')).toEqual({ media: 'json' });
    expect(() => negotiate('application/yaml', 'events')).toThrow(
      'only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch',
    );
  });
});
