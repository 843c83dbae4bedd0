import type { Volume } from '@shared/k8s';
import type { FieldError } from '../../kind';
import { duplicate, forbidden, invalid, invalidEach, notSupported, required } from '../../validation/field';
import { configMapKey, dnsLabel, dnsSubdomain } from '../../validation/strings';
import { validateLocalPath } from './paths';
import { validateFieldRef, validateResourceFieldRef, volumeFields } from './env';
import { validateQuantity } from './resources';

type Item = { key?: string; path?: string; mode?: number };
type DownwardItem = NonNullable<NonNullable<Volume['downwardAPI']>['items']>[number];

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

/** Faults of a pod's volumes. */
export function validateVolumes(volumes: Volume[] | undefined, path: string): FieldError[] {
  const names = new Set<string>();
  return (volumes ?? []).flatMap((volume, index) => {
    const at = `${path}[${index}]`;
    const errors: FieldError[] = [];
    if (!volume.name) errors.push(required(`${at}.name`));
    else {
      errors.push(...invalidEach(`${at}.name`, volume.name, dnsLabel(volume.name)));
      if (names.has(volume.name)) errors.push(duplicate(`${at}.name`, volume.name));
      names.add(volume.name);
    }
    return [...errors, ...validateSource(volume, at)];
  });
}

function validateSource(volume: Volume, path: string): FieldError[] {
  const sources = Object.keys(volume).filter((key) => key !== 'name' && volume[key as keyof Volume]);
  if (sources.length === 0) return [required(path, 'must specify a volume type')];
  const errors = sources
    .slice(1)
    .map((source) => forbidden(`${path}.${source}`, 'may not specify more than 1 volume type'));
  const at = `${path}.${sources[0]}`;
  switch (sources[0]) {
    case 'emptyDir':
      if (volume.emptyDir!.sizeLimit !== undefined) {
        errors.push(...validateQuantity(volume.emptyDir!.sizeLimit, `${at}.sizeLimit`));
      }
      break;
    case 'hostPath':
      errors.push(...validateHostPath(volume.hostPath!, at));
      break;
    case 'secret':
      if (!volume.secret!.secretName) errors.push(required(`${at}.secretName`));
      errors.push(...validateMode(volume.secret!.defaultMode, `${at}.defaultMode`));
      errors.push(...validateItems(volume.secret!.items, `${at}.items`));
      break;
    case 'configMap':
      if (!volume.configMap!.name) errors.push(required(`${at}.name`));
      errors.push(...validateMode(volume.configMap!.defaultMode, `${at}.defaultMode`));
      errors.push(...validateItems(volume.configMap!.items, `${at}.items`));
      break;
    case 'downwardAPI':
      errors.push(...validateMode(volume.downwardAPI!.defaultMode, `${at}.defaultMode`));
      errors.push(...validateDownward(volume.downwardAPI!.items, at));
      break;
    case 'persistentVolumeClaim':
      if (!volume.persistentVolumeClaim!.claimName) errors.push(required(`${at}.claimName`));
      break;
    case 'projected':
      errors.push(...validateProjected(volume.projected!, at));
      break;
    case 'ephemeral':
      if (!volume.ephemeral!.volumeClaimTemplate) errors.push(required(`${at}.volumeClaimTemplate`));
      break;
    case 'nfs':
      errors.push(...validateShare(volume.nfs!, at));
      break;
    case 'csi':
      if (!volume.csi!.driver) errors.push(required(`${at}.driver`));
      break;
    default:
  }
  return errors;
}

function validateHostPath(source: NonNullable<Volume['hostPath']>, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!source.path) return [required(`${path}.path`)];
  if (source.path.split('/').includes('..')) errors.push(invalid(`${path}.path`, source.path, "must not contain '..'"));
  if (!hostPathTypes.includes(source.type ?? '')) {
    errors.push(notSupported(`${path}.type`, source.type, hostPathTypes));
  }
  return errors;
}

function validateShare({ server, path }: NonNullable<Volume['nfs']>, at: string): FieldError[] {
  const errors = server ? [] : [required(`${at}.server`)];
  if (!path) errors.push(required(`${at}.path`));
  else if (!path.startsWith('/')) errors.push(invalid(`${at}.path`, path, 'must be an absolute path'));
  return errors;
}

function validateProjected(source: NonNullable<Volume['projected']>, path: string): FieldError[] {
  const errors = validateMode(source.defaultMode, `${path}.defaultMode`);
  for (const [index, part] of (source.sources ?? []).entries()) {
    const at = `${path}.sources[${index}]`;
    for (const kind of ['secret', 'configMap'] as const) {
      const projection = part[kind];
      if (!projection) continue;
      if (!projection.name) errors.push(required(`${at}.${kind}.name`));
      else errors.push(...invalidEach(`${at}.${kind}.name`, projection.name, dnsSubdomain(projection.name)));
      errors.push(...validateItems(projection.items, `${at}.${kind}.items`));
    }
    if (part.downwardAPI) errors.push(...validateDownward(part.downwardAPI.items, `${at}.downwardAPI`));
    const token = part.serviceAccountToken;
    if (token && (token.expirationSeconds ?? 3600) < 600) {
      errors.push(
        invalid(
          `${at}.serviceAccountToken.expirationSeconds`,
          token.expirationSeconds,
          'may not specify a duration less than 10 minutes',
        ),
      );
    }
    if (token && !token.path) errors.push(required(`${at}.serviceAccountToken.path`));
  }
  return errors;
}

function validateItems(items: Item[] | undefined, path: string): FieldError[] {
  return (items ?? []).flatMap((item, index) => {
    const at = `${path}[${index}]`;
    const errors = item.key ? invalidEach(`${at}.key`, item.key, configMapKey(item.key)) : [required(`${at}.key`)];
    errors.push(...(item.path ? validateLocalPath(item.path, `${at}.path`) : [required(`${at}.path`)]));
    return [...errors, ...validateMode(item.mode, `${at}.mode`)];
  });
}

function validateDownward(items: DownwardItem[] | undefined, path: string): FieldError[] {
  return (items ?? []).flatMap((item) => {
    const errors = item.path ? validateLocalPath(item.path, `${path}.path`) : [required(`${path}.path`)];
    if (item.fieldRef) {
      errors.push(...validateFieldRef(item.fieldRef, `${path}.fieldRef`, volumeFields));
      if (item.resourceFieldRef) {
        errors.push(invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
      }
    } else if (item.resourceFieldRef) {
      if (!item.resourceFieldRef.containerName) errors.push(required(`${path}.resourceFieldRef.containerName`));
      errors.push(...validateResourceFieldRef(item.resourceFieldRef, `${path}.resourceFieldRef`));
    } else errors.push(required(`${path}.fieldRef`, 'one of fieldRef and resourceFieldRef is required'));
    return [...errors, ...validateMode(item.mode, `${path}.mode`)];
  });
}

const validateMode = (mode: number | undefined, path: string): FieldError[] =>
  mode !== undefined && mode !== null && (mode < 0 || mode > 0o777)
    ? [invalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive')]
    : [];
