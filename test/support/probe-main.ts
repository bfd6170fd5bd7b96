/** A prober as a process of its own: answers each `{ id, to, probe }` over IPC with `{ id, result }`. */
import { createProbe } from '@sluice/healthd/probes/create-probe';
import type { ProbeResult, ProbeTarget } from '@sluice/healthd/probes/probe';
import type { ProbeSnapshot } from '@sluice/shared/snapshot/service-policy';

export interface Asked {
  readonly id: number;
  readonly to: ProbeTarget;
  readonly probe: ProbeSnapshot;
}

export interface Answered {
  readonly id: number;
  readonly result: ProbeResult;
}

const never = new AbortController().signal;

process.on('message', (asked: Asked) => {
  void createProbe(asked.probe.check)(asked.to, asked.probe, never).then((result) => {
    process.send?.({ id: asked.id, result } satisfies Answered);
  });
});
