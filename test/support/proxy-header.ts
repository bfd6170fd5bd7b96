/** Headers of the PROXY protocol as bytes, as a balancer in front of the gateway sends them. */
import { isIPv4 } from 'node:net';
import { rangeBytes } from '@sluice/shared/address-ranges';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** Version 1. `source`, `target`: of one family. */
export function proxyV1(source: string, port: number, target = '192.0.2.1'): Buffer {
  return Buffer.from(`PROXY ${isIPv4(source) ? 'TCP4' : 'TCP6'} ${source} ${target} ${port} 443\r\n`);
}

/** Version 2, with bytes behind the addresses that are TLVs or pass for them. */
export function proxyV2(source: string, port: number, tlvs: Uint8Array = Buffer.of(4, 0, 2, 1, 2)): Buffer {
  const [family, address] = isIPv4(source) ? [0x11, bytesOf(source).subarray(12)] : [0x21, bytesOf(source)];
  const ports = Buffer.of(port >> 8, port & 255, 1, 0xbb);
  return header(0x21, family, Buffer.concat([address, address, ports, tlvs]));
}

/** Version 2 of a balancer's own connection, a probe for one. */
export function proxyLocal(): Buffer {
  return header(0x20, 0, Buffer.alloc(0));
}

function header(command: number, family: number, block: Buffer): Buffer {
  return Buffer.concat([SIGNATURE, Buffer.of(command, family, block.length >> 8, block.length & 255), block]);
}

/** 16 bytes, IPv4 mapped. */
function bytesOf(address: string): Buffer {
  return Buffer.from(rangeBytes([`${address}/${isIPv4(address) ? 32 : 128}`])).subarray(0, 16);
}
