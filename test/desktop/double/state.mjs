/** What the parts of the double share. */
export const state = {
  ready: false,
  sandboxed: false,
  /** Open windows. */
  windows: new Set(),
};
