import type { KubeObject } from '@shared/k8s';
import { registrationGroup } from '../../api/apiregistration/apiservice';
import { ApiError } from '../../api/errors';
import type { ApiRequest, ApiResponse } from '../types';

/** Serves a request, as the API server does. */
export type Handle = (request: ApiRequest) => Promise<ApiResponse>;

const user = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

/** Where APIServices are stored, and served. */
export const apiServices = {
  prefix: `/registry/${registrationGroup}/apiservices/`,
  path: `/apis/${registrationGroup}/v1/apiservices`,
};

/** Asks the server itself. @throws ApiError */
export async function send(handle: Handle, method: string, path: string, body?: KubeObject): Promise<void> {
  await handle({ method, path, query: new URLSearchParams(), body, user });
}

/** As `send`; somebody else having been first is no failure. */
export async function sendUnlessLate(handle: Handle, method: string, path: string, body?: KubeObject): Promise<void> {
  try {
    await send(handle, method, path, body);
  } catch (error) {
    if (!(error instanceof ApiError) || (error.code !== 404 && error.code !== 409)) throw error;
  }
}
