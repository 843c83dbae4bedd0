/**
 * What types and fields mean, by `core.v1.PodSpec` and then by field; '' is the type itself.
 * Made from the doc comments of the client library when the app is built.
 */
export type Descriptions = Record<string, Record<string, string>>;

export type DescriptionSource = () => Descriptions;

export const noDescriptions: DescriptionSource = () => ({});
