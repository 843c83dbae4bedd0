import { readFileSync } from 'node:fs';

/**
 * What types and fields mean, by `core.v1.PodSpec` and then by field; '' is the type itself.
 * Made from the doc comments of the client library when the app is built.
 */
export type Descriptions = Record<string, Record<string, string>>;

export type DescriptionSource = () => Descriptions;

export const noDescriptions: DescriptionSource = () => ({});

/** The descriptions in a file, read each time they are asked for: documents are made seldom. None without the file. */
export function descriptionsIn(file: string | undefined): DescriptionSource {
  return () => {
    if (file === undefined) return {};
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Descriptions;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw error;
    }
  };
}
