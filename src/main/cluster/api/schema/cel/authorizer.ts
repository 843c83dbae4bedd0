import type { Environment } from '@marcbachmann/cel-js';

/** What is asked about somebody: a resource, or a path outside resources. */
export interface AccessQuestion {
  verb: string;
  group: string;
  resource: string;
  subresource?: string;
  namespace?: string;
  name?: string;
  path?: string;
}

export interface AccessDecision {
  allowed: boolean;
  reason?: string;
}

/** Answers what a user may do; a service account in place of the one who asks. */
export type Decide = (question: AccessQuestion, account?: { namespace: string; name: string }) => AccessDecision;

/** `authorizer` of expressions: asks what the user of a request may do. */
export class CelAuthorizer {
  /** What the request is about. */
  readonly requestResource: ResourceCheck;

  constructor(
    readonly decide: Decide,
    private readonly about: Omit<AccessQuestion, 'verb'>,
    private readonly account?: { namespace: string; name: string },
  ) {
    this.requestResource = new ResourceCheck(this, about);
  }

  ask(question: AccessQuestion): Decision {
    return new Decision(this.decide(question, this.account));
  }

  of(namespace: string, name: string): CelAuthorizer {
    return new CelAuthorizer(this.decide, this.about, { namespace, name });
  }
}

class GroupCheck {
  constructor(
    readonly authorizer: CelAuthorizer,
    readonly group: string,
  ) {}
}

class PathCheck {
  constructor(
    readonly authorizer: CelAuthorizer,
    readonly path: string,
  ) {}
}

class ResourceCheck {
  constructor(
    private readonly authorizer: CelAuthorizer,
    private readonly about: Omit<AccessQuestion, 'verb'>,
  ) {}

  with(more: Partial<AccessQuestion>): ResourceCheck {
    return new ResourceCheck(this.authorizer, { ...this.about, ...more });
  }

  check(verb: string): Decision {
    return this.authorizer.ask({ ...this.about, verb });
  }
}

class Decision {
  constructor(readonly answer: AccessDecision) {}
}

const prefix = 'kubernetes.authorization.';
/** The type of `authorizer`. */
export const authorizerType = `${prefix}Authorizer`;

/** Adds the functions by which expressions ask what one may do. */
export function registerAuthorizer(environment: Environment): void {
  const [group, path, resource, decision] = ['GroupCheck', 'PathCheck', 'ResourceCheck', 'Decision'].map(
    (name) => prefix + name,
  ) as [string, string, string, string];
  environment.registerType(decision, Decision);
  environment.registerType(resource, ResourceCheck);
  environment.registerType(group, GroupCheck);
  environment.registerType(path, PathCheck);
  environment.registerType(authorizerType, { ctor: CelAuthorizer, fields: { requestResource: resource } });
  const add = (signature: string, run: (...args: any[]) => unknown) => environment.registerFunction(signature, run);
  add(`${authorizerType}.group(string): ${group}`, (one: CelAuthorizer, name: string) => new GroupCheck(one, name));
  add(`${authorizerType}.path(string): ${path}`, (one: CelAuthorizer, at: string) => new PathCheck(one, at));
  add(`${authorizerType}.serviceAccount(string, string): ${authorizerType}`, (one: CelAuthorizer, ...names) =>
    one.of(...(names as [string, string])),
  );
  add(
    `${group}.resource(string): ${resource}`,
    ({ authorizer, group: name }: GroupCheck, plural: string) =>
      new ResourceCheck(authorizer, { group: name, resource: plural }),
  );
  for (const field of ['subresource', 'namespace', 'name']) {
    add(`${resource}.${field}(string): ${resource}`, (one: ResourceCheck, value: string) =>
      one.with({ [field]: value }),
    );
  }
  // Roles know nothing of selectors.
  for (const selector of ['fieldSelector', 'labelSelector']) {
    add(`${resource}.${selector}(string): ${resource}`, (one: ResourceCheck) => one);
  }
  add(`${resource}.check(string): ${decision}`, (one: ResourceCheck, verb: string) => one.check(verb));
  add(`${path}.check(string): ${decision}`, ({ authorizer, path: at }: PathCheck, verb: string) =>
    authorizer.ask({ verb, group: '', resource: '', path: at }),
  );
  add(`${decision}.allowed(): bool`, ({ answer }: Decision) => answer.allowed);
  add(`${decision}.reason(): string`, ({ answer }: Decision) => answer.reason ?? '');
  add(`${decision}.errored(): bool`, () => false);
  add(`${decision}.error(): string`, () => '');
}
