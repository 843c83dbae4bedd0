import type { IncomingMessage } from 'node:http';
import type { ApiRequest, UserInfo } from './types';

/** The request as the pipeline takes it, without body. */
export function toApiRequest(request: IncomingMessage, user: UserInfo): ApiRequest {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  return {
    method: request.method === 'HEAD' ? 'GET' : request.method!,
    path: mark < 0 ? url : url.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
    accept: request.headers.accept,
    contentType: request.headers['content-type'],
    ifNoneMatch: request.headers['if-none-match'],
    userAgent: request.headers['user-agent'],
    user,
  };
}
