/** Prometheus' text format read strictly, for tests. */

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const nameShape = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const sampleShape =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/;
const labelShape = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/g;
const types = new Set(['counter', 'gauge', 'histogram', 'summary', 'untyped']);
const parts: Record<string, readonly string[]> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/** @throws Error for what is no valid exposition: unknown lines, values before their type, doubles, buckets out of order */
export function readExposition(text: string): {
  samples: Sample[];
  /** The one sample with the name and the labels; with `loose`, any with the name. */
  value(name: string, labels?: Record<string, string>, loose?: boolean): number | undefined;
} {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const kinds = new Map<string, string>();
  const seen = new Set<string>();
  const samples: Sample[] = [];
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const [, what, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (what) {
      if (!nameShape.test(name)) throw new Error(`no name: ${line}`);
      if (what === 'TYPE') {
        if (!types.has(rest) || kinds.has(name)) throw new Error(`a type that is unknown or told twice: ${line}`);
        kinds.set(name, rest);
        current = name;
      }
      continue;
    }
    if (line.startsWith('#')) throw new Error(`a comment that says nothing: ${line}`);
    const sample = readSample(line);
    const kind = kinds.get(current);
    if (!kind || !(parts[kind] ?? ['']).some((part) => current + part === sample.name)) {
      throw new Error(`a value that does not belong to the type before it (${current}): ${line}`);
    }
    if (kind === 'counter' && !(sample.value >= 0)) throw new Error(`a counter below 0: ${line}`);
    const id = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (seen.has(id)) throw new Error(`told twice: ${line}`);
    seen.add(id);
    samples.push(sample);
  }
  checkBuckets(samples);
  return {
    samples,
    value: (name, labels = {}, loose = false) =>
      samples.find((one) => one.name === name && (loose || sameLabels(one.labels, labels)))?.value,
  };
}

function readSample(line: string): Sample {
  const match = sampleShape.exec(line);
  if (!match) throw new Error(`no sample: ${line}`);
  const [, name, inside = '', written] = match;
  const value = written === '+Inf' ? Infinity : written === '-Inf' ? -Infinity : Number(written);
  if (Number.isNaN(value) && !/^nan$/i.test(written!)) throw new Error(`no number: ${line}`);
  const labels: Record<string, string> = {};
  for (const [, label, text] of inside.matchAll(labelShape)) {
    if (Object.hasOwn(labels, label!)) throw new Error(`a label twice: ${line}`);
    labels[label!] = text!;
  }
  return { name: name!, labels, value };
}

/** Buckets are cumulative, end in +Inf, and that one is the count. */
function checkBuckets(samples: Sample[]): void {
  const series = new Map<string, Sample[]>();
  for (const sample of samples.filter(({ name, labels }) => name.endsWith('_bucket') && labels.le !== undefined)) {
    const { le: _, ...labels } = sample.labels;
    const key = `${sample.name.slice(0, -'_bucket'.length)} ${JSON.stringify(Object.entries(labels).sort())}`;
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  for (const [key, buckets] of series) {
    if (buckets.at(-1)!.labels.le !== '+Inf') throw new Error(`no last bucket: ${key}`);
    const falls = buckets.some((bucket, index) => index > 0 && bucket.value < buckets[index - 1]!.value);
    if (falls) throw new Error(`buckets that fall: ${key}`);
    const [name, labels] = [key.slice(0, key.indexOf(' ')), key.slice(key.indexOf(' ') + 1)];
    const count = samples.find(
      (one) => one.name === `${name}_count` && JSON.stringify(Object.entries(one.labels).sort()) === labels,
    );
    if (count?.value !== buckets.at(-1)!.value) throw new Error(`the last bucket is not the count: ${key}`);
  }
}

const sameLabels = (a: Record<string, string>, b: Record<string, string>): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, value]) => b[key] === value);
