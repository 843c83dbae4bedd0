import { api } from './api';
import { coldStart } from './cold-start';
import type { Benchmark } from './figures';
import { podStart } from './pod-start';
import { scale } from './scale';
import { scheduling } from './scheduling';
import { service } from './service';

const benchmarks: Benchmark[] = [coldStart, api, scheduling, podStart, service, scale];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
if (unknown.length) {
  console.error(
    `unknown benchmark ${unknown.join(', ')}: there are ${benchmarks.map((benchmark) => benchmark.name).join(', ')}`,
  );
  process.exit(1);
}
for (const benchmark of benchmarks) {
  if (asked.length && !asked.includes(benchmark.name)) continue;
  await benchmark.run((figure) => console.log(JSON.stringify(figure)));
}
