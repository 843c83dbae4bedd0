import type { Registry } from 'prom-client';
import type { Exposed } from '../../apiserver/monitoring';
import type { Histogram } from '../../histogram';

export type Labels = Record<string, string>;

/** One value of a metric. */
export interface Value {
  labels: Labels;
  value: number;
  /** Of the parts of a histogram. */
  metricName?: string;
}

/** A metric with all its values at one moment, as Prometheus' text format knows it. */
export interface Family {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram';
  values: Value[];
}

/** Values that are read when somebody asks for them. */
export type Collect = () => Family[] | Promise<Family[]>;

export const gauge = (name: string, help: string, values: Value[]): Family => ({ name, help, type: 'gauge', values });
export const counter = (name: string, help: string, values: Value[]): Family => ({
  name,
  help,
  type: 'counter',
  values,
});
export const one = (value: number, labels: Labels = {}): Value => ({ labels, value });

export function histogram(name: string, help: string, from: Iterable<readonly [Labels, Histogram]>): Family {
  const values: Value[] = [];
  for (const [labels, data] of from) {
    const counts = data.cumulative();
    for (const [index, bound] of data.bounds.entries()) {
      values.push({ labels: { ...labels, le: String(bound) }, value: counts[index]!, metricName: `${name}_bucket` });
    }
    values.push({ labels: { ...labels, le: '+Inf' }, value: data.count, metricName: `${name}_bucket` });
    values.push({ labels, value: data.sum, metricName: `${name}_sum` });
    values.push({ labels, value: data.count, metricName: `${name}_count` });
  }
  return { name, help, type: 'histogram', values };
}

/**
 * Writes families in Prometheus' text format, then what the other registries have.
 * @throws Error when two have the same name
 */
export async function expose(Kind: typeof Registry, families: Family[], ...others: Registry[]): Promise<Exposed> {
  const registry = new Kind();
  // A registry prints whatever has a name and answers `get`.
  for (const family of families) registry.registerMetric({ name: family.name, get: async () => family } as never);
  const texts = await Promise.all([registry, ...others].map((one) => one.metrics()));
  return { contentType: registry.contentType, text: texts.join('') };
}
