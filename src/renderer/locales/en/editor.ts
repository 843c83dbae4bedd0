/** The YAML editor and the diff. */
export const editor = {};
