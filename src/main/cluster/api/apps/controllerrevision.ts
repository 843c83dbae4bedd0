import type { ControllerRevision } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, integer, text } from '../printing';

export const controllerRevision = defineKind<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  singular: 'controllerrevision',
  namespaced: true,
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
