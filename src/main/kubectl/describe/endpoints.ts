import type { Endpoints, EndpointSlice } from '@shared/k8s';
import { eventLines } from './events';
import type { Describe } from './types';

export const describeEndpoints: Describe<Endpoints> = ({ lines, object, events, now, showEvents }) => {
  const { metadata, subsets } = object;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  lines.add(0, 'Subsets:');
  for (const subset of subsets ?? []) {
    const join = (addresses: readonly { ip?: string }[] | undefined): string =>
      (addresses ?? []).map(({ ip }) => ip).join(',') || '<none>';
    lines.add(1, `Addresses:\t${join(subset.addresses)}`);
    lines.add(1, `NotReadyAddresses:\t${join(subset.notReadyAddresses)}`);
    if (subset.ports?.length) {
      lines.add(1, 'Ports:');
      lines.add(2, 'Name\tPort\tProtocol');
      lines.add(2, '----\t----\t--------');
      for (const port of subset.ports)
        lines.add(2, `${port.name || '<unset>'}\t${port.port}\t${port.protocol ?? 'TCP'}`);
    }
    lines.add(0, '');
  }
  if (showEvents) eventLines(lines, events, now);
};

export const describeEndpointSlice: Describe<EndpointSlice> = ({ lines, object, events, now, showEvents }) => {
  const { metadata, addressType, ports, endpoints } = object;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  lines.add(0, `AddressType:\t${addressType}`);
  if (!ports?.length) lines.add(0, 'Ports: <unset>');
  else {
    lines.add(0, 'Ports:');
    lines.add(1, 'Name\tPort\tProtocol');
    lines.add(1, '----\t----\t--------');
    for (const port of ports)
      lines.add(1, `${port.name || '<unset>'}\t${port.port ?? '<unset>'}\t${port.protocol ?? 'TCP'}`);
  }
  if (!endpoints?.length) lines.add(0, 'Endpoints: <none>');
  else {
    lines.add(0, 'Endpoints:');
    for (const endpoint of endpoints) {
      lines.add(1, `- Addresses:\t${endpoint.addresses.join(', ')}`);
      lines.add(2, 'Conditions:');
      lines.add(3, `Ready:\t${endpoint.conditions?.ready ?? '<unset>'}`);
      lines.add(2, `Hostname:\t${endpoint.hostname ?? '<unset>'}`);
      if (endpoint.targetRef) lines.add(2, `TargetRef:\t${endpoint.targetRef.kind}/${endpoint.targetRef.name}`);
      lines.add(2, `NodeName:\t${endpoint.nodeName ?? '<unset>'}`);
      lines.add(2, `Zone:\t${endpoint.zone ?? '<unset>'}`);
    }
  }
  if (showEvents) eventLines(lines, events, now);
};
