/**
 * The two messages of grpc.health.v1.Health/Check, encoded by hand: one field each.
 *
 * HealthCheckRequest { string service = 1; }, HealthCheckResponse { ServingStatus status = 1; }, each behind gRPC's prefix of
 * one byte (compressed) and four (length). Unknown fields are skipped, as protobuf wants. Pure.
 */

/** Serving statuses by number. */
export const SERVING_STATUS: readonly string[] = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

/** Names of gRPC status codes. */
export const GRPC_STATUS: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

export const PREFIX_BYTES = 5;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

/** The request, prefix included. */
export function encodeCheckRequest(service: string): Buffer {
  const name = Buffer.from(service, 'utf8');
  const field = name.length === 0 ? [] : [0x0a, ...varint(name.length)];
  const message = Buffer.concat([Buffer.from(field), name]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Reads varints of a message one after another; `undefined` at a malformed one. */
class Reader {
  at = 0;
  constructor(readonly bytes: Buffer) {}

  varint(): number | undefined {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.bytes[this.at];
      if (byte === undefined) return undefined;
      this.at += 1;
      // Above 2^53 the value is not exact; no field that is read has such values.
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  }

  /** Passes over a value of the wire type; false when there is no such value. */
  skip(wireType: number): boolean {
    if (wireType === 0) return this.varint() !== undefined;
    const length = wireType === 1 ? 8 : wireType === 5 ? 4 : wireType === 2 ? this.varint() : undefined;
    if (length === undefined || this.at + length > this.bytes.length) return false;
    this.at += length;
    return true;
  }
}

/** The number of the serving status in a message without its prefix; 0 when absent; `undefined` when it is malformed. */
export function decodeCheckResponse(message: Buffer): number | undefined {
  const reader = new Reader(message);
  let status = 0;
  while (reader.at < message.length) {
    const tag = reader.varint();
    if (tag === undefined || tag < 8) return undefined;
    if (tag === 8) {
      const value = reader.varint();
      if (value === undefined) return undefined;
      status = value;
    } else if (!reader.skip(tag % 8)) {
      return undefined;
    }
  }
  return status;
}

/** The serving status of a whole answer, or what is wrong with it. */
export function readAnswer(bytes: Buffer): { readonly status: string } | { readonly fault: string } {
  if (bytes.length < PREFIX_BYTES || bytes.length - PREFIX_BYTES !== bytes.readUInt32BE(1)) {
    return { fault: 'the answer is not one whole gRPC message' };
  }
  if (bytes[0] !== 0) return { fault: 'the answer is compressed, which the probe did not allow' };
  const number = decodeCheckResponse(bytes.subarray(PREFIX_BYTES));
  if (number === undefined) return { fault: 'the answer is not a HealthCheckResponse' };
  return { status: SERVING_STATUS[number] ?? `serving status ${number}` };
}
