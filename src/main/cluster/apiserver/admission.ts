import type { KubeObject } from '@shared/k8s';
import type { KindDefinition } from '../api/kind';
import type { Resource } from './resources';
import type { UserInfo } from './types';

/** A request as admission sees it, after decoding and defaulting. */
export interface AdmissionAttributes {
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  resource: Resource;
  /** The resource that was asked for, where `resource` is another version of the same objects. */
  requested?: Resource;
  /** What the object is, where it is not of the resource's own kind: the options of a connection, a Scale. */
  kind?: Pick<KindDefinition, 'group' | 'version' | 'kind'>;
  subresource?: string;
  namespace?: string;
  name?: string;
  /** A draft: `admit` may change it or put another in its place; absent for DELETE. */
  object?: KubeObject;
  /** What is stored; absent for CREATE. */
  old?: KubeObject;
  user: UserInfo;
  dryRun: boolean;
  /** Who is written down as manager of the fields, where the client says so. */
  fieldManager?: string;
  /** Adds a Warning header to the answer. */
  warn(message: string): void;
  /** Adds to what the audit log says of the request. */
  annotate(key: string, value: string): void;
  /** Called once when the request is over, however it ended: for giving back what was reserved. */
  onDone(callback: () => void): void;
}

/** Has a say in every request: refuses it by throwing an ApiError. */
export interface AdmissionPlugin {
  name: string;
  /** Before the object is validated; may change it. */
  admit?(attributes: AdmissionAttributes): void | Promise<void>;
  /** After the object was validated, just before it is stored (or deleted); changes nothing. */
  validate?(attributes: AdmissionAttributes): void | Promise<void>;
  close?(): void;
}

type Phase = 'admit' | 'validate';

/** The chain of plugins, asked in order, in two phases. */
export class Admission {
  private readonly phases: Record<Phase, readonly AdmissionPlugin[]>;

  constructor(private readonly plugins: readonly AdmissionPlugin[]) {
    this.phases = {
      admit: plugins.filter((plugin) => plugin.admit),
      validate: plugins.filter((plugin) => plugin.validate),
    };
  }

  /** Lets the plugins change the object. @throws ApiError */
  admit(attributes: AdmissionAttributes): Promise<void> {
    return this.ask('admit', attributes);
  }

  /** Asks whether the finished object may be stored. @throws ApiError */
  validate(attributes: AdmissionAttributes): Promise<void> {
    return this.ask('validate', attributes);
  }

  close(): void {
    for (const plugin of this.plugins) plugin.close?.();
  }

  /** Synchronous unless a plugin is not. */
  private async ask(phase: Phase, attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.phases[phase]) {
      const pending = plugin[phase]!(attributes);
      if (pending) await pending;
    }
  }
}
