import type { Container, LimitRange, PersistentVolumeClaim, Pod } from '@shared/k8s';
import { limitRangeItems } from '../../api/core/limitrange';
import type { Store } from '../../store/types';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission';
import { isAbout, refusal, together } from './attributes';
import { limitComplaints } from './limits';
import { Watched } from './watched';

const annotation = 'kubernetes.io/limit-ranger';

/** Gives containers the requests and limits of their namespace's LimitRanges, and refuses what is outside them. */
export function limitRanger(store: Store): AdmissionPlugin {
  const ranges = new Watched<LimitRange>(store, '/registry/core/limitranges/');
  return {
    name: 'LimitRanger',
    close: () => ranges.close(),
    admit(attributes) {
      if (attributes.operation !== 'CREATE' || !isAbout(attributes, '', 'pods')) return;
      for (const range of ranges.in(attributes.namespace)) setDefaults(attributes.object as Pod, range);
    },
    validate(attributes) {
      const limited = ranges.in(attributes.namespace);
      if (limited.length === 0 || !concerns(attributes)) return;
      for (const range of limited) {
        const complaints = limitComplaints(range, attributes.object as Pod | PersistentVolumeClaim);
        if (complaints.length > 0) throw refusal(attributes, together(complaints));
      }
    },
  };
}

/** New pods, resized pods, and claims; what is on its way out is left alone. */
function concerns(attributes: AdmissionAttributes): boolean {
  if (attributes.operation === 'DELETE' || attributes.old?.metadata?.deletionTimestamp) return false;
  if (isAbout(attributes, '', 'persistentvolumeclaims')) return true;
  return attributes.operation === 'CREATE'
    ? isAbout(attributes, '', 'pods')
    : isAbout(attributes, '', 'pods', 'resize');
}

function setDefaults(pod: Pod, range: LimitRange): void {
  const notes: string[] = [];
  for (const { type, default: limits, defaultRequest: requests } of limitRangeItems(range)) {
    if (type !== 'Container') continue;
    const fill = (container: Container, what: string) => {
      const resources = (container.resources ??= {});
      for (const [field, wanted, word] of [
        ['requests', requests, 'request'],
        ['limits', limits, 'limit'],
      ] as const) {
        const missing = Object.keys(wanted ?? {}).filter((name) => resources[field]?.[name] === undefined);
        if (missing.length === 0) continue;
        resources[field] = { ...resources[field] };
        for (const name of missing) resources[field][name] = wanted![name]!;
        notes.push(`${missing.sort().join(', ')} ${word} for ${what} ${container.name}`);
      }
    };
    for (const container of pod.spec?.containers ?? []) fill(container, 'container');
    for (const container of pod.spec?.initContainers ?? []) fill(container, 'init container');
  }
  if (notes.length === 0) return;
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [annotation]: `LimitRanger plugin set: ${notes.join('; ')}`,
  };
}
