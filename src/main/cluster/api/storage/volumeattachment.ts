import type { VolumeAttachment } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, boolean, text } from '../printing';
import { keepAllButStatus, keepStatus } from '../strategy';
import { differences } from '../validation/differences';
import { immutableMessage, invalid, required } from '../validation/field';

export const volumeAttachment = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  singular: 'volumeattachment',
  namespaced: false,
  status: true,
  prepareForCreate(object) {
    object.status = { attached: false };
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepAllButStatus,
  validate(object) {
    const { attacher, nodeName, source } = object.spec ?? {};
    const errors = [...(attacher ? [] : [required('spec.attacher')]), ...(nodeName ? [] : [required('spec.nodeName')])];
    const { persistentVolumeName: name, inlineVolumeSpec: inline } = source ?? {};
    if (!name && !inline) {
      errors.push(required('spec.source', 'must specify either inlineVolumeSpec or persistentVolumeName'));
    } else if (name && inline) {
      errors.push(invalid('spec.source', source, 'must specify only one of inlineVolumeSpec or persistentVolumeName'));
    }
    return errors;
  },
  validateUpdate: (object, old) =>
    differences(old.spec, object.spec, '').length > 0 ? [invalid('spec', object.spec, immutableMessage)] : [],
  columns: [
    text('Attacher', 'The driver that attaches it', (object) => object.spec?.attacher ?? ''),
    text('PV', 'The volume', (object) => object.spec?.source?.persistentVolumeName ?? ''),
    text('Node', 'The node', (object) => object.spec?.nodeName ?? ''),
    boolean('Attached', 'Whether it is attached', (object) => object.status?.attached ?? false),
    ageColumn,
  ],
});
