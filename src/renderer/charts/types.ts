/** A curve: points with x in ms since the epoch. */
export interface Line {
  label: string;
  /** A colour token without its `--c-`. */
  colour: string;
  points: { x: number; y: number }[];
}

/** A horizontal line to compare the curve with. */
export interface Level {
  label: string;
  colour: string;
  value: number;
}
