import { isDeepStrictEqual } from 'node:util';
import type { APIService, EndpointSlice } from '@shared/k8s';
import { ApiError } from '../../api/errors';
import { setCondition } from '../../conditions';
import type { Clock, Timer } from '../../clock';
import type { Logger } from '../../log';
import type { Store, StoreWatch } from '../../store/types';
import type { ServedResource } from '../served';
import { check, type Checked, type Verdict } from './checks';
import { documentsOf, type Documents } from './documents';
import type { ExtensionServers } from './extension-server';
import { apiServices, send, type Handle } from './objects';

/** How often a server that answers is asked again, and the longest one that does not is left alone, in ms. */
const lookAgainMs = 30_000;
const firstRetryMs = 500;

const services = '/registry/core/services/';
const slices = '/registry/discovery.k8s.io/endpointslices/';

interface Watched {
  api: APIService;
  /** What its server told last; undefined before it told anything. */
  resources?: ServedResource[];
  /** It told that at the last look. */
  current: boolean;
  documents?: Documents;
  /** The documents are being asked for. */
  reading: boolean;
  failures: number;
  timer?: Timer;
  looking: boolean;
  again: boolean;
  /** Ends the look that is under way. */
  ends: AbortController;
}

/**
 * Looks after the servers behind APIServices: whether they answer, which their
 * conditions say, and what they serve. They are asked every 30 s, and at once when their
 * Service or its endpoints change.
 */
export class Availability {
  private readonly watched = new Map<string, Watched>();
  private follows: StoreWatch[] = [];
  private handle?: Handle;

  constructor(
    private readonly options: {
      store: Store;
      clock: Clock;
      log: Logger;
      servers: ExtensionServers;
      /** What is served became known, or was found out to be another. */
      changed(): void;
    },
  ) {}

  /** Begins to ask, and to write down what comes of it. */
  start(handle: Handle): void {
    this.handle = handle;
    for (const name of this.watched.keys()) this.look(name);
  }

  /** Watches an APIService from now on, as it is now. */
  follow(api: APIService): void {
    const { name } = api.metadata;
    const known = this.watched.get(name);
    if (known && isDeepStrictEqual(known.api.spec, api.spec) && known.api.metadata.uid === api.metadata.uid) {
      known.api = api;
      if (!api.status?.conditions?.length) this.look(name);
      return;
    }
    if (known) stop(known);
    const ends = new AbortController();
    this.watched.set(name, { api, current: false, failures: 0, looking: false, again: false, reading: false, ends });
    if (this.follows.length === 0) this.followServices();
    this.look(name);
  }

  forget(name: string): void {
    const watched = this.watched.get(name);
    if (watched) stop(watched);
    this.watched.delete(name);
    if (this.watched.size === 0) this.unfollowServices();
  }

  /** What the server behind an APIService serves, and whether that is how it is now. */
  served(name: string): { resources: ServedResource[]; current: boolean; documents: Documents } {
    const { resources = [], current = false, documents = {} } = this.watched.get(name) ?? {};
    return { resources, current, documents };
  }

  close(): void {
    for (const watched of this.watched.values()) stop(watched);
    this.watched.clear();
    this.unfollowServices();
  }

  private followServices(): void {
    const { store } = this.options;
    const touched = (namespace: string | undefined, name: string | undefined) => {
      for (const [key, { api }] of this.watched) {
        const service = api.spec?.service;
        if (service?.name === name && service?.namespace === namespace) this.look(key);
      }
    };
    this.follows = [
      store.watch(services, store.revision, ({ object: { value } }) =>
        touched(value.metadata?.namespace, value.metadata?.name),
      ),
      store.watch(slices, store.revision, ({ object: { value } }) => {
        const { namespace, labels } = (value as EndpointSlice).metadata;
        touched(namespace, labels?.['kubernetes.io/service-name']);
      }),
    ];
  }

  private unfollowServices(): void {
    for (const follow of this.follows) follow.close();
    this.follows = [];
  }

  private look(name: string): void {
    const watched = this.watched.get(name);
    if (!watched || !this.handle) return;
    watched.timer?.cancel();
    if (watched.looking) {
      watched.again = true;
      return;
    }
    watched.looking = true;
    watched.again = false;
    const { store, servers, clock, log } = this.options;
    const { api, ends } = watched;
    check(store, servers, api, ends.signal)
      .then((checked) => this.learn(name, watched, checked))
      .catch((error: Error) => log.warn('an API service could not be checked', { name, error: error.message }))
      .finally(() => {
        watched.looking = false;
        // Another took its place, or it is gone.
        if (this.watched.get(name) !== watched) return;
        if (watched.again) return this.look(name);
        const delay = watched.current ? lookAgainMs : Math.min(firstRetryMs * 2 ** watched.failures++, lookAgainMs);
        watched.timer = clock.setTimeout(() => this.look(name), delay);
      });
  }

  private async learn(name: string, watched: Watched, { verdict, resources }: Checked): Promise<void> {
    if (this.watched.get(name) !== watched) return;
    const before = { resources: watched.resources, current: watched.current };
    // What it told last is better than nothing: clients are told that it is stale.
    watched.resources = resources ?? watched.resources;
    watched.current = verdict.status === 'True' && resources !== undefined;
    if (watched.current) watched.failures = 0;
    await this.write(name, verdict);
    const same = isDeepStrictEqual(before, { resources: watched.resources, current: watched.current });
    if (!same) this.options.changed();
    const stays = isDeepStrictEqual(before.resources, watched.resources);
    if (watched.current) void this.read(name, watched, stays ? watched.documents : undefined);
  }

  /** Asks for the OpenAPI documents. Nothing waits for them. */
  private async read(name: string, watched: Watched, known: Documents | undefined): Promise<void> {
    if (watched.reading) return;
    watched.reading = true;
    const documents = await documentsOf(this.options.servers, watched.api, known, watched.ends.signal);
    watched.reading = false;
    if (this.watched.get(name) !== watched || isDeepStrictEqual(documents, watched.documents)) return;
    watched.documents = documents;
    this.options.changed();
  }

  private async write(name: string, verdict: Verdict): Promise<void> {
    const { store, clock } = this.options;
    const stored = store.get(apiServices.prefix + name)?.value as APIService | undefined;
    if (!stored || stored.metadata.uid !== this.watched.get(name)?.api.metadata.uid) return;
    const conditions = setCondition(stored.status?.conditions, { type: 'Available', ...verdict }, clock.now());
    if (isDeepStrictEqual(conditions, stored.status?.conditions)) return;
    const body = { ...stored, status: { ...stored.status, conditions } };
    try {
      await send(this.handle!, 'PUT', `${apiServices.path}/${name}/status`, body);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Somebody else wrote it meanwhile.
      if (error.code === 409) return this.write(name, verdict);
      if (error.code !== 404) throw error;
    }
  }
}

function stop({ timer, ends }: Watched): void {
  timer?.cancel();
  ends.abort();
}
