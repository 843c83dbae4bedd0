import type { ControllerRevision } from '@shared/k8s';
import { defineKind } from '../kind';
import { differences } from '../validation/differences';
import { immutableMessage, invalid, nonNegative, required } from '../validation/field';
import { ageColumn, integer, text } from '../printing';

export const controllerRevision = defineKind<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  singular: 'controllerrevision',
  namespaced: true,
  validate: (object) => [
    ...(object.data === undefined ? [required('data', 'data is mandatory')] : []),
    ...nonNegative('revision', object.revision),
  ],
  validateUpdate: (object, old) =>
    differences(old.data, object.data, '').length > 0 ? [invalid('data', object.data, immutableMessage)] : [],
  columns: [
    text('Controller', 'What it is a revision of', controller),
    integer('Revision', 'The number of the revision', (object) => object.revision ?? 0),
    ageColumn,
  ],
});

function controller(object: ControllerRevision): string {
  const owner = object.metadata.ownerReferences?.find((reference) => reference.controller);
  if (!owner) return '<none>';
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}
