/** By `core.v1.PodSpec`, then by field; '' is the type itself. */
export function apiDescriptions(): Record<string, Record<string, string>>;
export function parseDeclarations(text: string): Record<string, string>;
export function apiDescriptionsPlugin(): {
  name: string;
  generateBundle(this: { emitFile(file: { type: 'asset'; fileName: string; source: string }): unknown }): void;
};
