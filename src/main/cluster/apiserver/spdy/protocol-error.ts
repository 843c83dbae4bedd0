/** The peer broke the protocol: the connection is of no use any more. */
export class ProtocolError extends Error {}
