import type { Volume } from '@shared/k8s';
import { canonicalQuantity } from '@shared/quantity';
import type { Lines } from './lines';

type Rows = [string, unknown][];

const quantity = (value: string | undefined): string =>
  value === undefined || value === null ? '<unset>' : canonicalQuantity(value);

/** Where a volume comes from, in words. */
export function sourceRows(volume: Volume): { type: string; rows: Rows } {
  const { hostPath, emptyDir, configMap, secret, projected, persistentVolumeClaim, downwardAPI, nfs, csi, ephemeral } =
    volume;
  if (hostPath) {
    return {
      type: 'HostPath (bare host directory volume)',
      rows: [
        ['Path', hostPath.path],
        ['HostPathType', hostPath.type ?? ''],
      ],
    };
  }
  if (emptyDir) {
    return {
      type: "EmptyDir (a temporary directory that shares a pod's lifetime)",
      rows: [
        ['Medium', emptyDir.medium ?? ''],
        ['SizeLimit', quantity(emptyDir.sizeLimit)],
      ],
    };
  }
  if (configMap) {
    return {
      type: 'ConfigMap (a volume populated by a ConfigMap)',
      rows: [
        ['Name', configMap.name],
        ['Optional', configMap.optional ?? false],
      ],
    };
  }
  if (secret) {
    return {
      type: 'Secret (a volume populated by a Secret)',
      rows: [
        ['SecretName', secret.secretName],
        ['Optional', secret.optional ?? false],
      ],
    };
  }
  if (persistentVolumeClaim) {
    return {
      type: 'PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)',
      rows: [
        ['ClaimName', persistentVolumeClaim.claimName],
        ['ReadOnly', persistentVolumeClaim.readOnly ?? false],
      ],
    };
  }
  if (projected) {
    const rows: Rows = (projected.sources ?? []).flatMap((source): Rows => {
      if (source.secret)
        return [
          ['SecretName', source.secret.name],
          ['Optional', source.secret.optional ?? false],
        ];
      if (source.downwardAPI) return [['DownwardAPI', true]];
      if (source.configMap)
        return [
          ['ConfigMapName', source.configMap.name],
          ['Optional', source.configMap.optional ?? false],
        ];
      if (source.serviceAccountToken) return [['TokenExpirationSeconds', source.serviceAccountToken.expirationSeconds]];
      return [];
    });
    return { type: 'Projected (a volume that contains injected data from multiple sources)', rows };
  }
  if (downwardAPI) {
    return {
      type: 'DownwardAPI (a volume populated by information about the pod)',
      rows: [
        ['Items', ''],
        ...(downwardAPI.items ?? []).map((item): [string, unknown] => [
          `  ${item.fieldRef?.fieldPath ?? item.resourceFieldRef?.resource} -> ${item.path}`,
          undefined,
        ]),
      ],
    };
  }
  if (nfs)
    return {
      type: 'NFS (an NFS mount that lasts the lifetime of a pod)',
      rows: [
        ['Server', nfs.server],
        ['Path', nfs.path],
        ['ReadOnly', nfs.readOnly ?? false],
      ],
    };
  if (csi)
    return {
      type: 'CSI (a Container Storage Interface (CSI) volume source)',
      rows: [
        ['Driver', csi.driver],
        ['FSType', csi.fsType ?? ''],
        ['ReadOnly', csi.readOnly ?? false],
      ],
    };
  if (ephemeral)
    return {
      type: 'EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)',
      rows: [],
    };
  return { type: '<unknown>', rows: [] };
}

/** The volumes of a pod spec, or `<none>`. */
export function volumeLines(lines: Lines, level: number, volumes: readonly Volume[] | undefined): void {
  if (!volumes?.length) {
    lines.add(level, 'Volumes:\t<none>');
    return;
  }
  lines.add(level, 'Volumes:');
  for (const volume of volumes) {
    const { type, rows } = sourceRows(volume);
    lines.add(level + 1, `${volume.name}:`);
    lines.add(level + 2, `Type:\t${type}`);
    for (const [title, value] of rows)
      lines.add(level + 2, value === undefined ? title : `${title}:\t${String(value)}`);
  }
}
