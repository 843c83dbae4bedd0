export { descriptionsIn, noDescriptions, type Descriptions, type DescriptionSource } from './descriptions';
export { rootOf, type DocumentedResource, type DocumentedSubresource } from './resource';
export { openApiV2 } from './v2';
export { openApiV3 } from './v3';
export { encodeOpenApiV2 } from './wire';
