/** The decisions of the handshake glue. */
import { ownerOf } from '@sluice/shared/snapshot/owners';
import { aListener, aMatch, aRule } from '@sluice/shared/testing/snapshots';
import { describe, expect, it } from 'vitest';
import { FailedCode, FailedStage } from '../engine/binding.js';
import { ACCEPT, createScene, ID, REQUEST, SWITCH } from './handshake-scene.js';

describe('Handshakes', () => {
  it('dials, passes interim answers on, splices, and forgets the connection', () => {
    const scene = createScene();
    scene.request();
    scene.response('HTTP/1.1 103 Early Hints\r\n\r\n');
    scene.response(SWITCH);
    expect(scene.calls.map(({ name }) => name)).toEqual(['connect', 'interim', 'splice']);
    expect(scene.handshakes.size).toBe(0);
    expect(scene.errors).toEqual([]);
  });

  it('splices in the name of its route at its listener', () => {
    const scene = createScene();
    scene.request();
    scene.response(SWITCH);
    expect(scene.last()?.owner).toBe(ownerOf(aListener({ gateway: 'default/gw' }), 'default/r'));
  });

  it('tries three different endpoints, then answers by the last failure', () => {
    const scene = createScene();
    scene.request();
    scene.failed(FailedStage.connect, FailedCode.errno);
    scene.failed(FailedStage.response, FailedCode.reset);
    scene.failed(FailedStage.connect, FailedCode.timeout);
    expect(scene.calls.map(({ name }) => name)).toEqual(['connect', 'connect', 'connect', 'respond']);
    expect(new Set(scene.calls.slice(0, 3).map(({ slot }) => slot)).size).toBe(3);
    expect(scene.status()).toBe(504);
  });

  it('does not try again when no other endpoint is there, the budget is spent, or the fault is local', () => {
    const alone = createScene(1);
    alone.request();
    alone.failed(FailedStage.connect, FailedCode.errno);
    expect(alone.status()).toBe(502);
    const late = createScene(5, 0);
    late.request();
    late.failed(FailedStage.connect, FailedCode.timeout);
    expect(late.status()).toBe(504);
    const exhausted = createScene();
    exhausted.request();
    exhausted.failed(FailedStage.connect, FailedCode.local);
    expect(exhausted.status()).toBe(503);
  });

  it.each([
    ['a plain request', 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n', 426],
    ['a malformed one', 'GET /\r\n\r\n', 400],
  ])('refuses %s by itself', (_name, head, status) => {
    const scene = createScene();
    scene.request(head);
    expect(scene.status()).toBe(status);
    expect(scene.handshakes.size).toBe(0);
  });

  it.each([
    [FailedCode.timeout, 408],
    [FailedCode.tooLarge, 431],
  ])('answers a head that failed (code %d) with %d', (code, status) => {
    const scene = createScene();
    scene.failed(FailedStage.requestHead, code);
    expect(scene.status()).toBe(status);
  });

  it('answers 502 to a switch that proves nothing, and relays any other answer', () => {
    const wrong = createScene();
    wrong.request();
    wrong.response(SWITCH.replace(ACCEPT, 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='));
    expect(wrong.status()).toBe(502);
    const refused = createScene();
    refused.request();
    refused.response('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n');
    expect(refused.last()?.name).toBe('relay');
    expect(refused.handshakes.size).toBe(0);
  });

  it('answers 503 to handshakes beyond its limit, and takes new ones when some have ended', () => {
    const scene = createScene();
    scene.request(REQUEST);
    scene.request(REQUEST, ID + 1);
    const tls = { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', serverName: 'a.test', alpn: '' };
    scene.request(REQUEST, ID + 2, { ...tls, verified: false, certificateError: '', subject: '' });
    expect(JSON.parse(`{${scene.last()?.fields}}`)).toMatchObject({ refusal: 'overloaded', tlsProtocol: 'TLSv1.3' });
    expect(scene.last()?.text).toMatch(/^HTTP\/1\.1 503 .*\r\nRetry-After: 3\r\n.*\(overloaded\)\n$/s);
    expect(scene.handshakes.size).toBe(2);
    scene.ended();
    scene.request(REQUEST, ID + 3);
    expect(scene.last()?.name).toBe('connect');
  });

  it('writes the record of a client that left, with what is known of its request', () => {
    const scene = createScene();
    scene.request();
    scene.ended();
    expect(JSON.parse(`{${scene.last()?.text ?? ''}}`)).toMatchObject({
      requestUri: '/echo',
      frontendPort: 80,
      route: 'default/r',
      httpStatusCode: '-',
    });
    expect(scene.handshakes.size).toBe(0);
  });

  it('answers 500 to a response of a connection that it does not know', () => {
    const scene = createScene();
    scene.response(SWITCH);
    expect(scene.status()).toBe(500);
  });

  it('ends a handshake by the configuration that it began with, and decides new ones by the next', () => {
    const scene = createScene();
    scene.request();
    scene.reconfigure((config) => ({
      ...config,
      listeners: [aListener({ gateway: 'other/gw', hosts: [{ hostname: '', matches: [aMatch(1)] }] })],
      rules: [aRule('other/first'), aRule('other/second')],
    }));
    scene.failed(FailedStage.connect, FailedCode.errno);
    expect(scene.last()?.name).toBe('connect');
    scene.request(REQUEST, ID + 1);
    expect(scene.last()?.fields).toMatch(
      /"frontendName":"other\/gw".*"route":"other\/second".*backend-unresolved.*rule 0 of other\/second/,
    );
    scene.ended();
    expect(scene.last()?.text).toMatch(/"frontendName":"default\/gw".*"route":"default\/r"/);
    expect(scene.errors).toEqual([]);
  });
});
