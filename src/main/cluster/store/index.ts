export * from './types';
export { openMemoryStore } from './memory-store';
export { type OpenedStore, openStore, restore, type StoreOptions } from './open';
export { loadOrCreateKey } from './encryption';
export { DirectoryLockedError } from './lock';
