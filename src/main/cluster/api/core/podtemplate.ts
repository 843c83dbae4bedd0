import type { PodTemplate } from '@shared/k8s';
import { defaultTemplate } from '../apps/defaults';
import { defineKind } from '../kind';
import { validatePodTemplate } from '../pod/validation';
import { formatLabels, text } from '../printing';

export const podTemplate = defineKind<PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  singular: 'podtemplate',
  namespaced: true,
  defaults: (object) => defaultTemplate(object.template),
  prepareForCreate(object) {
    object.metadata.generation = 1;
  },
  validate: (object) => validatePodTemplate(object.template, 'template'),
  columns: [
    text('Containers', 'Names of each container in the template.', (object) =>
      (object.template?.spec?.containers ?? []).map((container) => container.name).join(','),
    ),
    text('Images', 'Images referenced by each container in the template.', (object) =>
      (object.template?.spec?.containers ?? []).map((container) => container.image).join(','),
    ),
    text('Pod Labels', 'The labels of pods made from the template.', (object) =>
      formatLabels(object.template?.metadata?.labels),
    ),
  ],
});
