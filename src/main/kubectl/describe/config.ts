import type { ConfigMap, LimitRange, Namespace, ResourceQuota, Secret, ServiceAccount } from '@shared/k8s';
import { listAll } from '../resources';
import { eventLines } from './events';
import { limitLines, quotaLines } from './limits';
import type { Describe } from './types';

export const describeConfigMap: Describe<ConfigMap> = ({ lines, object, events, now, showEvents }) => {
  const { metadata, data, binaryData, immutable } = object;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  lines.add(0, '\nData\n====');
  for (const key of Object.keys(data ?? {}).sort()) {
    lines.add(0, `${key}:\n----`);
    lines.add(0, `${data![key]}\n`);
  }
  lines.add(0, '\nBinaryData\n====');
  for (const key of Object.keys(binaryData ?? {}).sort())
    lines.add(0, `${key}: ${Buffer.from(binaryData![key]!, 'base64').length} bytes`);
  lines.add(0, '');
  if (immutable !== undefined) lines.add(0, `Immutable: ${immutable}`);
  if (showEvents) eventLines(lines, events, now);
};

export const describeSecret: Describe<Secret> = ({ lines, object }) => {
  const { metadata, data, type } = object;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  lines.add(0, `\nType:\t${type ?? ''}`);
  lines.add(0, '\nData\n====');
  for (const key of Object.keys(data ?? {}).sort()) {
    const bytes = Buffer.from(data![key]!, 'base64');
    // A service account's token is there to be read; everything else stays closed.
    const open = type === 'kubernetes.io/service-account-token' && key === 'token';
    lines.add(0, `${key}:\t${open ? bytes.toString('utf8') : `${bytes.length} bytes`}`);
  }
};

export const describeServiceAccount: Describe<ServiceAccount> = ({ lines, object, events, now, showEvents }) => {
  const { metadata } = object;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  const list = (title: string, names: (string | undefined)[]): void => {
    if (names.length === 0) lines.add(0, `${title}:\t<none>`);
    names.forEach((name, at) => lines.add(0, `${at === 0 ? `${title}:` : ''}\t${name}`));
  };
  list(
    'Image pull secrets',
    (object.imagePullSecrets ?? []).map((secret) => secret.name),
  );
  if (object.secrets?.length) {
    list(
      'Mountable secrets',
      object.secrets.map((secret) => secret.name),
    );
  }
  if (showEvents) eventLines(lines, events, now);
};

export const describeNamespace: Describe<Namespace> = async ({ lines, object, session }) => {
  const { metadata, status } = object;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  lines.add(0, `Status:\t${status?.phase ?? ''}`);
  if (status?.conditions?.length) {
    lines.add(0, 'Conditions:\n  Type\tStatus\tLastTransitionTime\tReason\tMessage');
    lines.add(1, '----\t------\t------------------\t------\t-------');
    for (const condition of status.conditions) {
      lines.add(
        1,
        `${condition.type}\t${condition.status}\t${condition.lastTransitionTime ?? ''}\t${condition.reason ?? ''}\t${condition.message ?? ''}`,
      );
    }
  }
  const discovery = await session.discovery();
  const quotas = discovery.lookup('resourcequotas');
  const limits = discovery.lookup('limitranges');
  const quotaList = quotas ? (await listAll(session, quotas, metadata.name)).items : [];
  const limitList = limits ? (await listAll(session, limits, metadata.name)).items : [];
  if (quotas && quotaList.length === 0) lines.add(0, '\nNo resource quota.');
  else if (quotas) {
    lines.add(0, '\nResource Quotas');
    for (const quota of quotaList) {
      lines.add(1, `Name:\t${quota.metadata?.name}`);
      quotaLines(lines, 1, quota as ResourceQuota, '---');
    }
  }
  if (limits && limitList.length === 0) lines.add(0, '\nNo LimitRange resource.');
  else if (limits) {
    lines.add(0, '\nResource Limits');
    limitLines(lines, 1, limitList as LimitRange[]);
  }
};
