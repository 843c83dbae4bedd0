import type { CSINode } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, integer } from '../printing';
import { duplicate, required } from '../validation/field';

export const csiNode = defineKind<CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  singular: 'csinode',
  namespaced: false,
  validate(object) {
    const names = new Set<string>();
    return (object.spec?.drivers ?? []).flatMap((driver, index) => {
      const path = `spec.drivers[${index}]`;
      const errors = (['name', 'nodeID'] as const)
        .filter((field) => !driver[field])
        .map((field) => required(`${path}.${field}`));
      if (names.has(driver.name)) errors.push(duplicate(`${path}.name`, driver.name));
      names.add(driver.name);
      return errors;
    });
  },
  columns: [
    integer('Drivers', 'How many drivers the node has', (object) => object.spec?.drivers?.length ?? 0),
    ageColumn,
  ],
});
