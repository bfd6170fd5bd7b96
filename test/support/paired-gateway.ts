/** A gateway as real clients meet it: a plain listener and one with TLS, of the same routes. */
import { Certificates, PAIRED_LISTENERS } from './certificates.js';
import { HttpBackend } from './http-backend.js';
import { sharedGateway } from './scenario.js';

/** For the tests of a file: both listeners before one HTTP backend; the plain one takes HTTP/2 with prior knowledge. */
export function pairedGateway() {
  return sharedGateway(
    async () => ({ backend: await HttpBackend.start(), certificates: Certificates.make() }),
    ({ backend, certificates }) => ({
      config: {
        listeners: PAIRED_LISTENERS,
        gatewayAnnotations: { 'sluice.dev/h2c': 'on' },
        services: { http: [backend] },
        more: [certificates.secret],
      },
    }),
  );
}
