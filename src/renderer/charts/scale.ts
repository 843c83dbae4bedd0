import type { Level, Line } from './types';

/** A new chart starts this wide, in seconds, and widens until it shows all it may. */
const NARROWEST = 60;

/** The time a chart shows, in ms: what there is, up to so many seconds. */
export function span(points: Line['points'], seconds: number, now: number): [from: number, to: number] {
  const to = points.at(-1)?.x ?? now;
  const first = points[0]?.x ?? to;
  const width = Math.min(seconds * 1000, Math.max(NARROWEST * 1000, to - first));
  return [to - width, to];
}

/** Points further apart than this, in ms, have nothing between them: nobody measured. The coarsest lie 5 minutes apart. */
const GAP = 660_000;

/** The points with the line broken where nobody measured. */
export function broken(points: Line['points']): Line['points'] {
  return points.flatMap((point, index) => {
    const before = points[index - 1];
    return before && point.x - before.x > GAP ? [{ x: before.x + 1, y: NaN }, point] : [point];
  });
}

/** Levels further off than this many times the peak would flatten the curve: the legend names them. */
const NEAR = 4;
/** So that idling does not look like work, the scale covers this share of the highest level. */
const LEAST_SHARE = 0.05;
const LINES = 4;

/** The upper end of the value axis and the distance of its lines, in nice numbers. */
export function scale(points: Line['points'], levels: readonly Level[], base: 2 | 10): { top: number; step: number } {
  const peak = Math.max(0, ...points.map((point) => point.y));
  const values = levels.map((level) => level.value);
  const near = values.filter((value) => value <= peak * NEAR || peak === 0);
  const reach = Math.max(
    peak * 1.1,
    ...near.map((value) => value * 1.05),
    ...values.map((value) => value * LEAST_SHARE),
    1e-3,
  );
  const step = niceStep(reach / LINES, base);
  return { top: Math.ceil(reach / step) * step, step };
}

function niceStep(least: number, base: 2 | 10): number {
  if (base === 2) return 2 ** Math.ceil(Math.log2(least));
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10);
}
