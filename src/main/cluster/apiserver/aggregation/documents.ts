import { createHash } from 'node:crypto';
import type { APIService } from '@shared/k8s';
import { encodeOpenApiV2 } from '../../api/schema/openapi';
import type { ExtensionServers } from './extension-server';
import { partOf, type OpenApiV2 } from './openapi-v2';

const timeoutMs = 10_000;
const mostBytes = 16 * 1024 * 1024;

/** What a server tells of the structure of its kinds. */
export interface Documents {
  /** Changes with its OpenAPI v3 document; absent without one. */
  v3?: string;
  /** Its part of its OpenAPI v2 document; absent without one. */
  v2?: OpenApiV2;
}

/**
 * Asks a server for its OpenAPI documents. A server need not have any: what cannot be
 * had or used is left out.
 * @param before what it told when it served the same, which holds as long as its v3 document stays
 */
export async function documentsOf(
  servers: ExtensionServers,
  api: APIService,
  before: Documents | undefined,
  signal: AbortSignal,
): Promise<Documents> {
  const { group, version } = api.spec!;
  const root = `apis/${group}/${version}`;
  const get = async (path: string): Promise<any> => {
    try {
      const { status, text } = await servers.ask(api, path, { timeoutMs, mostBytes, signal });
      return status === 200 && text !== undefined ? JSON.parse(text) : undefined;
    } catch {
      return undefined;
    }
  };
  const url: unknown = (await get('/openapi/v3'))?.paths?.[root]?.serverRelativeURL;
  const v3 = typeof url === 'string' ? createHash('sha256').update(url).digest('hex').toUpperCase() : undefined;
  if (before && before.v3 === v3) return before;
  return { v3, v2: usable(partOf(await get('/openapi/v2'), `/${root}/`)) };
}

/** Nobody's document may spoil that of all. */
function usable(document: OpenApiV2 | undefined): OpenApiV2 | undefined {
  try {
    if (document) encodeOpenApiV2({ swagger: '2.0', info: { title: '', version: '' }, ...document });
    return document;
  } catch {
    return undefined;
  }
}
