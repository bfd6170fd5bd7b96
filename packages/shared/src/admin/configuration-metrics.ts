/**
 * Metrics of the configuration of a process: which one is in force, and what came of reading it again.
 *
 * The same names in the gateway and in healthd. The thread that scrapes.
 */
import type { Families } from './families.js';

/** `applied`: in force since; `unchanged`: it says what the one in force says; `refused`: nothing has changed. */
export type ReloadResult = 'applied' | 'unchanged' | 'refused';

export interface ConfigurationState {
  /** Of the configuration in force. */
  readonly version: string;
  /** Times that it was read again, by result. */
  readonly counts: Readonly<Record<ReloadResult, number>>;
  /** When it was read last, ms since the epoch, and what came of it. */
  readonly last: { readonly atMs: number; readonly result: ReloadResult };
}

/** `state`: undefined when the configuration is another process's: then there are no series. */
export function addConfigurationMetrics(families: Families, state: () => ConfigurationState | undefined): void {
  families.gauge('sluice_config_info', 'The configuration in force', ['version'], () => {
    const version = state()?.version;
    return version === undefined ? [] : [{ labels: { version }, value: 1 }];
  });
  families.counter('sluice_config_reloads_total', 'Times that the configuration was read again', ['result'], () =>
    Object.entries(state()?.counts ?? {}).map(([result, value]) => ({ labels: { result }, value })),
  );
  families.gauge('sluice_config_last_reload_success', '0 while the last configuration read is refused', [], () => {
    const last = state()?.last;
    return last === undefined ? undefined : Number(last.result !== 'refused');
  });
  families.gauge('sluice_config_last_reload_timestamp_seconds', 'When the configuration was read last', [], () => {
    const last = state()?.last;
    return last === undefined ? undefined : last.atMs / 1000;
  });
}
