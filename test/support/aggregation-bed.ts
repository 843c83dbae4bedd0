import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import type { APIService } from '@shared/k8s';
import { createInProcessTransport } from '../../src/main/cluster/client/in-process';
import { systemClock } from '../../src/main/cluster/clock';
import type { AccessAttributes } from '../../src/main/cluster/apiserver/context';
import { loadOrCreatePki, type Pki } from '../../src/main/cluster/apiserver/pki';
import { createTestServer, testUser } from '../../src/main/cluster/apiserver/testing';
import {
  group,
  slice,
  startExtensionServer,
  version,
  type ExtensionServer,
} from '../../src/main/cluster/apiserver/aggregation/testing';

export const apiServices = '/apis/apiregistration.k8s.io/v1/apiservices';
export const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
export const hats = `/apis/${version}/namespaces/default/hats`;
const table = 'application/json;as=Table;g=meta.k8s.io;v=v1';
const mergePatch = 'application/merge-patch+json';

/** Tries until it works, for as long as an overloaded machine may take. */
export const eventually = <T>(probe: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(probe, { interval: 5, timeout: 8000 });

/** `CODE REASON: MESSAGE` of what a request fails with. */
export const failureOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no failure',
    (error) => `${error.code} ${error.reason}: ${error.message}`,
  );

/** For each test an API server and a server to stand behind it, which is not registered yet. */
export class AggregationBed {
  directory = '';
  pki!: Pki;
  server!: Awaited<ReturnType<typeof createTestServer>>;
  extension!: ExtensionServer;
  /** What nobody may do. */
  denied?: (attributes: AccessAttributes) => boolean;
  private nudges = 0;

  constructor() {
    beforeAll(async () => {
      this.directory = await mkdtemp(join(tmpdir(), 'gantry-aggregation-'));
      this.pki = await loadOrCreatePki(this.directory, { clock: systemClock, hosts: ['hats.default.svc'] });
    });
    afterAll(() => rm(this.directory, { recursive: true }));
    beforeEach(async () => {
      this.denied = undefined;
      this.server = await createTestServer({
        publishing: { clientCa: this.pki.caPem, frontProxy: () => this.pki.frontProxy() },
        authorize: (attributes) => ({ allowed: !this.denied?.(attributes) }),
        metrics: { node: () => undefined, pod: () => undefined },
      });
      const create = (path: string, body: object) => this.send('POST', path, { body });
      this.extension = await startExtensionServer(this.pki, this.server.nodes, create);
    });
    afterEach(async () => {
      this.server.server.close();
      await this.extension.close();
    });
  }

  get clock() {
    return this.server.clock;
  }

  send(...request: Parameters<typeof this.server.send>) {
    return this.server.send(...request);
  }

  patch(path: string, change: object) {
    return this.send('PATCH', path, { body: JSON.stringify(change), contentType: mergePatch });
  }

  transport(user = testUser) {
    return createInProcessTransport(this.server.server, user);
  }

  async stored(name = `v1.${group}`): Promise<APIService> {
    return (await this.send('GET', `${apiServices}/${name}`)).body;
  }

  /** Waits for `STATUS REASON: MESSAGE` of the only condition. */
  until(state: string | RegExp, name?: string): Promise<void> {
    return eventually(async () => {
      const conditions = (await this.stored(name)).status?.conditions ?? [];
      const said = conditions.map(({ status, reason, message }) => `${status} ${reason}: ${message}`);
      expect(said.join()).toMatch(state);
    });
  }

  /** Its Service changes, so the server is looked at again. */
  async nudge(): Promise<void> {
    const labels = { nudge: String(this.nudges++) };
    await this.patch('/api/v1/namespaces/default/services/hats', { metadata: { labels } });
  }

  /** Registers the server and waits until it is available. */
  async register(spec?: object): Promise<void> {
    await this.send('POST', slices, { body: slice() });
    await this.send('POST', apiServices, { body: this.extension.api(spec) });
    await this.until(/^True/);
  }

  /** `NAME SERVICE AVAILABLE` of every APIService. */
  async rows(): Promise<string[]> {
    const { rows } = (await this.send('GET', apiServices, { accept: table })).body;
    return rows.map((row: { cells: string[] }) => row.cells.slice(0, 3).join(' '));
  }
}
