import { objectResponse, type Call, type ServerContext } from './context';
import { decodeObject } from './decode';
import { cloneJson } from '../json';
import type { ApiResponse } from './types';
import { mutate } from './writes';

/** PUT of a namespace's finalize subresource: its spec.finalizers; without any left a going namespace is gone. */
export async function finalizeNamespace(context: ServerContext, call: Call): Promise<ApiResponse> {
  const wanted = decodeObject(call.request, call.resource.definition, context.schema, call.warnings);
  const finalizers: string[] = wanted.spec?.finalizers ?? [];
  const written = await mutate(
    context,
    call,
    (current) => {
      const draft = cloneJson(current.value);
      draft.spec = { ...draft.spec, finalizers };
      if (finalizers.length === 0) delete draft.spec.finalizers;
      return draft;
    },
    { version: wanted.metadata?.resourceVersion, strategy: 'none' },
  );
  return objectResponse(call, written);
}
