import { canonicalQuantity, parseQuantity } from './quantity';

const SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'];

/** At most two decimals, none that say nothing. */
const short = (value: number): string => String(Math.round(value * 100) / 100);

/**
 * A quantity as one reads it best, still in Kubernetes' notation: of CPU `13500m` → `13.5`, of memory and storage
 * `82502656` → `78.68Mi`, of anything else its canonical form. The resource may have a prefix (`limits.cpu`).
 */
export function readableQuantity(resource: string, quantity: string): string {
  if (/(^|\.)cpu$/.test(resource)) {
    const cores = parseQuantity(quantity);
    return cores >= 1 ? short(cores) : canonicalQuantity(quantity);
  }
  if (!/(^|\.|-)(memory|storage)$/.test(resource)) return canonicalQuantity(quantity);
  let bytes = parseQuantity(quantity);
  let suffix = 0;
  while (bytes >= 1024 && suffix < SUFFIXES.length - 1) {
    bytes /= 1024;
    suffix += 1;
  }
  return `${short(bytes)}${SUFFIXES[suffix]}`;
}
