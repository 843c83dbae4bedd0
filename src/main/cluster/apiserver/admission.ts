import type { KubeObject } from '@shared/k8s';
import type { Resource } from './resources';
import type { UserInfo } from './types';

/** A request as admission sees it, after decoding and defaulting, before validation. */
export interface AdmissionAttributes {
  operation: 'CREATE' | 'UPDATE' | 'DELETE';
  resource: Resource;
  subresource?: string;
  namespace?: string;
  name?: string;
  /** A draft that may be changed; absent for DELETE. */
  object?: KubeObject;
  /** What is stored; absent for CREATE. */
  old?: KubeObject;
  user: UserInfo;
  dryRun: boolean;
  /** Called once when the request is over, however it ended: for giving back what was reserved. */
  onDone(callback: () => void): void;
}

/** Changes or refuses (throws ApiError) a request. */
export interface AdmissionPlugin {
  name: string;
  admit(attributes: AdmissionAttributes): void | Promise<void>;
}

/** The chain of plugins, asked in order. */
export class Admission {
  constructor(private readonly plugins: readonly AdmissionPlugin[]) {}

  /** Synchronous unless a plugin is not. */
  async admit(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.plugins) {
      const pending = plugin.admit(attributes);
      if (pending) await pending;
    }
  }
}
