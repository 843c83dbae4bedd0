import type { KubeObject } from '@shared/k8s';

/** Answers a GET of its path. */
export type DebugPage = (query: URLSearchParams) => KubeObject;

/** What parts of the control plane tell about themselves, by path (`/debug/…`). Whoever may GET the path may read it. */
export interface DebugPages {
  get(path: string): DebugPage | undefined;
  register(path: string, page: DebugPage): void;
}

export function createDebugPages(): DebugPages {
  const pages = new Map<string, DebugPage>();
  return {
    get: (path) => pages.get(path),
    register: (path, page) => void pages.set(path, page),
  };
}
