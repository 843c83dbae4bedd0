const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes for reading: 67108864 → "64 MiB", 1610612736 → "1.5 GiB". */
export function readBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${short(value)} ${UNITS[unit]}`;
}

/** Cores for reading: 0.25 → "250m", 1.5 → "1.5", 0.0004 → "0.4m". */
export function readCores(cores: number): string {
  return Math.abs(cores) < 1 && cores !== 0 ? `${short(cores * 1000)}m` : short(cores);
}

/** At most three digits that say something. */
function short(value: number): string {
  const size = Math.abs(value);
  const text = size >= 100 || value === 0 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** A share for reading: 0.423 → "42 %". */
export function readPercent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** A moment for reading, in this machine's time zone and language. */
export function readTime(time: string | number): string {
  return new Date(time).toLocaleString();
}
