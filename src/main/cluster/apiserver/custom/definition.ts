import { isDeepStrictEqual } from 'node:util';
import { humanAge } from '@shared/duration';
import { parseJsonPath, type JsonPath } from '@shared/json-path';
import type { KubeObject } from '@shared/k8s';
import { customObjects, type CustomObjects } from '../../api/apiextensions/custom-object';
import {
  isTrue,
  storageVersion,
  type CustomResourceDefinition,
  type CustomVersion,
  type JsonSchema,
  type PrinterColumnSpec,
} from '../../api/apiextensions/types';
import type { KindDefinition, PrinterColumn, StoredAs } from '../../api/kind';
import { ageColumn } from '../../api/printing';
import { keepAllButStatus, keepStatus } from '../../api/strategy';

const ending = ['delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** The kind that one version of a CustomResourceDefinition makes: what a built-in kind is written down as. */
export function customKind(crd: CustomResourceDefinition, version: CustomVersion): KindDefinition {
  const { group, names, scope } = crd.spec;
  const schema = version.schema?.openAPIV3Schema;
  const custom = customObjects(schema);
  const { status, scale } = version.subresources ?? {};
  const deprecation = version.deprecationWarning ?? `${group}/${version.name} ${names.kind} is deprecated`;
  return {
    group,
    version: version.name,
    kind: names.kind,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    shortNames: names.shortNames,
    categories: names.categories,
    namespaced: scope === 'Namespaced',
    // While its objects are being removed nothing new may come.
    verbs: isTrue(crd, 'Terminating') || crd.metadata.deletionTimestamp ? ending : undefined,
    defaults: (object) => custom.applyDefaults(object),
    prepareForCreate(object) {
      object.metadata.generation = 1;
      if (status) delete object.status;
    },
    prepareForUpdate(object, old) {
      if (status) keepStatus(object, old);
      countGeneration(object, old, status !== undefined);
    },
    prepareForStatusUpdate: keepAllButStatus,
    validateChange: (object, old) => custom.validate(object, old),
    warnings: version.deprecated ? () => [deprecation] : undefined,
    columns: columnsOf(version.additionalPrinterColumns),
    fieldSelectors: selectorsOf(version),
    status: status !== undefined,
    scale: scale && scaleOf(scale),
    structure: documented(schema),
    storedAs: storedAs(crd, version, custom),
    custom,
  };
}

/** metadata.generation goes up with every change that is not to metadata, nor to a status of its own. */
function countGeneration(object: KubeObject, old: KubeObject, hasStatus: boolean): void {
  const content = (of: KubeObject) => ({
    ...of,
    apiVersion: undefined,
    metadata: undefined,
    status: hasStatus ? undefined : of.status,
  });
  const generation = old.metadata?.generation ?? 1;
  object.metadata!.generation = isDeepStrictEqual(content(object), content(old)) ? generation : generation + 1;
}

/** The store holds one version; the others differ from it in apiVersion, and each fills in defaults of its own. */
function storedAs(crd: CustomResourceDefinition, { name }: CustomVersion, custom: CustomObjects): StoredAs {
  const { group, names } = crd.spec;
  const stored = storageVersion(crd) ?? name;
  const as = (version: string) => (object: KubeObject) =>
    object.apiVersion === `${group}/${version}` ? object : { ...object, apiVersion: `${group}/${version}` };
  const served = as(name);
  return {
    group,
    version: stored,
    plural: names.plural,
    toStorage: as(stored),
    fromStorage(object) {
      const converted = served(object);
      if (!custom.hasDefaults) return converted;
      const filled = structuredClone(converted);
      custom.applyDefaults(filled);
      return isDeepStrictEqual(filled, converted) ? converted : filled;
    },
  };
}

function columnsOf(specs: PrinterColumnSpec[] | undefined): PrinterColumn[] {
  if (!specs?.length) return [ageColumn];
  return specs.map(({ name, type, format, description = '', priority, jsonPath }) => {
    const path = parseJsonPath(jsonPath);
    return {
      name,
      type: type as PrinterColumn['type'],
      format,
      description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
      priority,
      cell: (object, now) => cellOf(path.find(object), type, now),
    };
  });
}

function cellOf(found: unknown[], type: string, now: number): string | number | boolean | null {
  const [value] = found;
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'string':
      return found.map((one) => (typeof one === 'object' ? JSON.stringify(one) : String(one))).join(' ');
    case 'integer':
      return Number.isNaN(Number(value)) ? null : Math.trunc(Number(value));
    case 'number':
      return Number.isNaN(Number(value)) ? null : Number(value);
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    default:
      return Number.isNaN(Date.parse(String(value))) ? '<invalid>' : humanAge(String(value), now);
  }
}

function selectorsOf({ selectableFields = [] }: CustomVersion): KindDefinition['fieldSelectors'] {
  return Object.fromEntries(
    selectableFields.map(({ jsonPath }) => {
      const path = parseJsonPath(jsonPath);
      return [jsonPath.slice(1), (object: KubeObject) => textOf(path.find(object)[0])];
    }),
  );
}

const textOf = (value: unknown): string => (value === undefined || value === null ? '' : String(value));

type ScalePaths = NonNullable<NonNullable<CustomVersion['subresources']>['scale']>;

function scaleOf(paths: ScalePaths): KindDefinition['scale'] {
  const spec = parseJsonPath(paths.specReplicasPath);
  const status = parseJsonPath(paths.statusReplicasPath);
  const selector = paths.labelSelectorPath ? parseJsonPath(paths.labelSelectorPath) : undefined;
  const count = (path: JsonPath, object: KubeObject): number => Number(path.find(object)[0] ?? 0);
  return {
    specReplicas: (object) => count(spec, object),
    setSpecReplicas: (object, replicas) => spec.set(object, replicas),
    statusReplicas: (object) => count(status, object),
    selector: (object) => textOf(selector?.find(object)[0]),
  };
}

/** The schema for documents; without one any object will do. */
const documented = (schema: JsonSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }): object =>
  schema;
