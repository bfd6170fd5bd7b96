/**
 * What handshakes teach about endpoints: connects that fail or work, and load reports in their answers.
 *
 * Invariant: only what the endpoint or the way to it did counts against it; a local fault, a slow answer or a client that
 * left never does. Load reports are read for services that balance by them alone. Worker thread.
 */
import { tick } from '@sluice/shared/health/clock';
import { hostPort } from '@sluice/shared/snapshot/endpoint-key';
import type { SnapshotView } from '@sluice/shared/snapshot/view';
import { FailedCode, FailedStage } from '../engine/binding.js';
import type { FailedEvent } from '../engine/events.js';
import type { EndpointChoice } from '../policy/balancer.js';
import { Ejection } from '../policy/ejection.js';
import type { ResponseHead } from '../policy/head.js';
import { parseLoadReport } from '../policy/load-report.js';
import { recordWeight, reportedWeight } from '../policy/load-weight.js';
import type { HandshakeContext } from './handshake-context.js';

const LOAD_REPORT = 'endpoint-load-metrics';

export class BackendLessons {
  readonly #context: HandshakeContext;
  readonly #ejection: Ejection;

  constructor(context: HandshakeContext) {
    const { ejectAfter, ejectTimeMs, ejectTimeMaxMs } = context.limits;
    this.#context = context;
    const limits = { after: ejectAfter, timeMs: ejectTimeMs, timeMaxMs: ejectTimeMaxMs };
    this.#ejection = new Ejection(context.board, limits, context.random);
  }

  connectWorked(choice: EndpointChoice): void {
    this.#ejection.succeeded(choice.endpoint.slot);
  }

  /** A failure of any stage behind the request head. `snapshot`: the one that the choice was made by. */
  failed({ stage, code }: Pick<FailedEvent, 'stage' | 'code'>, choice: EndpointChoice, snapshot: SnapshotView): void {
    if (stage === FailedStage.response) this.connectWorked(choice);
    else if (code === FailedCode.errno || code === FailedCode.timeout || code === FailedCode.tls)
      this.#connectFailed(choice, snapshot);
  }

  #connectFailed(choice: EndpointChoice, snapshot: SnapshotView): void {
    const service = snapshot.serviceName(choice.service);
    const { slot } = choice.endpoint;
    const forMs = this.#ejection.failed(this.#context.endpoints.of(service), slot, tick());
    if (forMs === 0) return;
    const failures = Atomics.load(this.#context.board.planes.failures, slot);
    this.#notice('passively ejected an endpoint: connecting to it fails', service, choice, { forMs, failures });
  }

  /** Takes the load report out of an answer, if there is one and anyone wants it. The first field of several counts. */
  answered(choice: EndpointChoice, response: ResponseHead, snapshot: SnapshotView): void {
    const balancing = snapshot.service(choice.service)?.balancing;
    if (balancing?.strategy !== 'load-aware') return;
    const field = response.fields.find(({ lowerName }) => lowerName === LOAD_REPORT);
    if (field === undefined) return;
    const report = parseLoadReport(field.value);
    if (report === undefined) {
      const service = snapshot.serviceName(choice.service);
      this.#notice('an endpoint sent a malformed load report, which is ignored', service, choice, {});
      return;
    }
    const weight = reportedWeight(report, balancing);
    if (weight > 0) recordWeight(this.#context.board, choice.endpoint.slot, weight, balancing, tick());
  }

  #notice(message: string, service: string, choice: EndpointChoice, more: Readonly<Record<string, number>>): void {
    const { address, port } = choice.endpoint;
    const detail = { service, endpoint: hostPort(address, port), ...more };
    this.#context.onNotice({ message, detail });
  }
}
