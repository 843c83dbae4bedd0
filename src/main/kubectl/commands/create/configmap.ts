import { generator } from './generate';
import { collectData, isText, sourceFlags } from './sources';

const object = <T>(entries: [string, T][]): Record<string, T> | undefined =>
  entries.length > 0 ? Object.fromEntries(entries) : undefined;

export const createConfigMap = generator(
  {
    name: 'configmap',
    aliases: ['cm'],
    summary: 'Create a config map from a local file, directory or literal value',
    usage: 'NAME [--from-file=[key=]source] [--from-literal=key1=value1]',
    examples: [['From two values', 'kubectl create configmap settings --from-literal=mode=dark --from-literal=size=3']],
    flags: sourceFlags,
  },
  async (call, name) => {
    const data = [...(await collectData(call, 'ConfigMap'))];
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name },
      data: object(data.filter(([, bytes]) => isText(bytes)).map(([key, bytes]) => [key, bytes.toString('utf8')])),
      binaryData: object(
        data.filter(([, bytes]) => !isText(bytes)).map(([key, bytes]) => [key, bytes.toString('base64')]),
      ),
    };
  },
  'configmap',
);
