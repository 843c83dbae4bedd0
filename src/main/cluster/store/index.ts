export * from './types';
export { openMemoryStore } from './memory-store';
