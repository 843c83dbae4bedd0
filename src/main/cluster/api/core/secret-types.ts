import type { Secret } from '@shared/k8s';
import type { FieldError } from '../kind';
import { invalid, required } from '../validation/field';

/** Keys that a secret of a well-known type must have; several in one entry: at least one of them. */
const keys: Record<string, string[][]> = {
  'kubernetes.io/dockercfg': [['.dockercfg']],
  'kubernetes.io/dockerconfigjson': [['.dockerconfigjson']],
  'kubernetes.io/basic-auth': [['username', 'password']],
  'kubernetes.io/ssh-auth': [['ssh-privatekey']],
  'kubernetes.io/tls': [['tls.crt'], ['tls.key']],
};

/** Faults of a secret that does not hold what its type promises. */
export function validateSecretType(object: Secret): FieldError[] {
  const type = object.type ?? '';
  const errors = (keys[type] ?? []).flatMap((alternatives) =>
    alternatives.some((key) => object.data?.[key] !== undefined)
      ? []
      : alternatives.map((key) => required(`data[${key}]`)),
  );
  if (type === 'kubernetes.io/service-account-token') {
    const name = 'kubernetes.io/service-account.name';
    if (!object.metadata.annotations?.[name]) errors.push(required(`metadata.annotations[${name}]`));
  }
  if (errors.length > 0) return errors;
  const configuration = {
    'kubernetes.io/dockercfg': '.dockercfg',
    'kubernetes.io/dockerconfigjson': '.dockerconfigjson',
  }[type];
  if (configuration) {
    try {
      JSON.parse(Buffer.from(object.data![configuration]!, 'base64').toString('utf8'));
    } catch (error) {
      errors.push(invalid(`data[${configuration}]`, '<secret contents redacted>', (error as Error).message));
    }
  }
  return errors;
}
