import type { FieldError } from '../../api/kind';
import { badRequest, conflict, forbidden, invalid, notFound } from '../../api/errors';
import { timestamp } from '../../clock';
import type { Call, ServerContext } from '../context';
import { decodeObject } from '../decode';
import { getStored } from '../resources';
import type { ApiResponse } from '../types';
import { admitted, isDryRun } from '../writes';
import { issuer, type BoundObject } from './service-account';

const kind = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', plural: 'tokenrequests' };
const shortest = 600;
const longest = 2 ** 32;

/** POST of a service account's token subresource: a new token for it. */
export async function requestToken(context: ServerContext, call: Call): Promise<ApiResponse> {
  const { tokens, store } = context;
  if (!tokens) throw badRequest('this server issues no tokens');
  const account = getStored(store, call.resource, call.namespace, call.name!).value;
  const namespace = call.namespace!;
  const name = call.name!;
  const body = decodeObject(call.request, kind, context.schema, call.warnings);
  const given = body.metadata ?? {};
  if (given.name && given.name !== name) throw badRequest('token request name does not match the service account name');
  if (given.namespace && given.namespace !== namespace) {
    throw badRequest('token request namespace does not match the service account namespace');
  }
  const change = { operation: 'CREATE', object: body, kind } as const;
  const asked = await admitted(context, call, change, async (attributes) => {
    await context.admission.validate(attributes);
    return attributes.object!;
  });
  const spec = asked.spec ?? {};
  const expirationSeconds: number = spec.expirationSeconds ?? 3600;
  const errors: FieldError[] = [];
  const field = 'spec.expirationSeconds';
  const refuse = (detail: string) => errors.push({ type: 'Invalid', field, value: expirationSeconds, detail });
  if (expirationSeconds < shortest) refuse('may not specify a duration less than 10 minutes');
  if (expirationSeconds > longest) refuse('may not specify a duration larger than 2^32 seconds');
  if (errors.length > 0) throw invalid(kind, '', errors);
  const audiences: string[] = spec.audiences?.length ? spec.audiences : [issuer];
  const { bound, node } = boundObject(context, call, spec.boundObjectRef, name);
  const uid = account.metadata!.uid!;
  const issued = isDryRun(call)
    ? { token: '', expires: context.clock.now() + expirationSeconds * 1000 }
    : tokens.issue({ namespace, name, uid, audiences, expirationSeconds, bound, node });
  const value = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { name, namespace, creationTimestamp: timestamp(context.clock.now()) },
    spec: { audiences, expirationSeconds, boundObjectRef: spec.boundObjectRef ?? null },
    status: { token: issued.token, expirationTimestamp: timestamp(issued.expires) },
  };
  return { status: 201, warnings: call.warnings, payload: { type: 'object', object: { value } } };
}

/** As Go prints a kind: `/v1, Kind=Pod`. */
const typeOf = ({ apiVersion = '', kind = '' }: { apiVersion?: string; kind?: string }) =>
  `${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind}`;

const plurals: Record<string, string> = { Pod: 'pods', Secret: 'secrets', Node: 'nodes' };

function boundObject(
  { store }: ServerContext,
  call: Call,
  ref: { kind?: string; apiVersion?: string; name?: string; uid?: string } | null | undefined,
  account: string,
): { bound?: BoundObject; node?: { name: string; uid: string } } {
  if (!ref) return {};
  const plural = plurals[ref.kind ?? ''];
  if (!plural || ref.apiVersion !== 'v1') {
    throw badRequest(`cannot bind token for serviceaccount "${account}" to object of type ${typeOf(ref)}`);
  }
  const name = ref.name ?? '';
  const object = store.get(`/registry/core/${plural}/${plural === 'nodes' ? '' : `${call.namespace}/`}${name}`)?.value;
  if (!object) throw notFound({ plural }, name);
  const uid = object.metadata!.uid!;
  if (ref.uid && ref.uid !== uid) {
    throw conflict(
      { plural },
      name,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  if (ref.kind === 'Pod' && object.spec?.serviceAccountName !== account) {
    throw forbidden(
      { plural: 'serviceaccounts' },
      account,
      `cannot bind token for serviceaccount "${account}" to pod running with different serviceaccount name.`,
    );
  }
  const nodeName = ref.kind === 'Pod' ? (object.spec?.nodeName as string | undefined) : undefined;
  const node = nodeName ? store.get(`/registry/core/nodes/${nodeName}`)?.value : undefined;
  return {
    bound: { kind: ref.kind as BoundObject['kind'], name, uid },
    ...(node ? { node: { name: nodeName!, uid: node.metadata!.uid! } } : {}),
  };
}
