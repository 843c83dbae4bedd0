import type { CSIDriver } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, boolean, text } from '../printing';
import { setDefault } from '../strategy';
import { immutableMessage, invalid, notSupported } from '../validation/field';

const groupPolicies = ['File', 'None', 'ReadWriteOnceWithFSType'];
const longestName = 63;

export const csiDriver = defineKind<CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  singular: 'csidriver',
  namespaced: false,
  defaults(object) {
    const spec = (object.spec ??= {});
    setDefault(spec, 'attachRequired', true);
    setDefault(spec, 'podInfoOnMount', false);
    setDefault(spec, 'storageCapacity', false);
    setDefault(spec, 'fsGroupPolicy', 'ReadWriteOnceWithFSType');
    setDefault(spec, 'requiresRepublish', false);
    setDefault(spec, 'seLinuxMount', false);
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
  },
  validate(object) {
    const { fsGroupPolicy, volumeLifecycleModes = [] } = object.spec ?? {};
    const errors = volumeLifecycleModes
      .filter((mode) => mode !== 'Persistent' && mode !== 'Ephemeral')
      .map((mode) => notSupported('spec.volumeLifecycleModes', mode, ['Ephemeral', 'Persistent']));
    if (fsGroupPolicy && !groupPolicies.includes(fsGroupPolicy)) {
      errors.push(notSupported('spec.fsGroupPolicy', fsGroupPolicy, groupPolicies));
    }
    if (object.metadata.name && object.metadata.name.length > longestName) {
      errors.push(invalid('metadata.name', object.metadata.name, `must be no more than ${longestName} characters`));
    }
    return errors;
  },
  validateUpdate: (object, old) =>
    object.spec?.attachRequired === old.spec?.attachRequired
      ? []
      : [invalid('spec.attachRequired', object.spec?.attachRequired, immutableMessage)],
  columns: [
    boolean('AttachRequired', 'Whether volumes are attached first', (object) => object.spec?.attachRequired ?? true),
    boolean('PodInfoOnMount', 'Whether it is told of the pod', (object) => object.spec?.podInfoOnMount ?? false),
    boolean('StorageCapacity', 'Whether it tells what room it has', (object) => object.spec?.storageCapacity ?? false),
    text('TokenRequests', 'The audiences of the tokens it gets', (object) =>
      object.spec?.tokenRequests ? object.spec.tokenRequests.map((request) => request.audience).join(',') : '<unset>',
    ),
    boolean(
      'RequiresRepublish',
      'Whether volumes are published again',
      (object) => object.spec?.requiresRepublish ?? false,
    ),
    text(
      'Modes',
      'The kinds of volumes it makes',
      (object) => object.spec?.volumeLifecycleModes?.join(',') || '<none>',
    ),
    ageColumn,
  ],
});
