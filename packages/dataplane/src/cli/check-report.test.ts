import type { ConfigIssue } from '@sluice/shared/resources/issue';
import type { Condition, ResourceStatus } from '@sluice/shared/snapshot/status';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { isGood, type Report, renderReport } from './check-report.js';

const condition = (type: string, status: Condition['status'], reason = type, message = ''): Condition => {
  return { type, status, reason, message };
};
const GATEWAY: ResourceStatus = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  namespace: 'default',
  name: 'main',
  conditions: [condition('Accepted', 'True')],
  listeners: [
    {
      name: 'http',
      supportedKinds: [],
      attachedRoutes: 2,
      conditions: [condition('Conflicted', 'False', 'NoConflicts')],
    },
  ],
};
const ROUTE: ResourceStatus = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  namespace: 'default',
  name: 'chat',
  parents: [
    {
      parentRef: { namespace: 'default', name: 'main', sectionName: 'http', port: 80 },
      controllerName: 'sluice.dev/gateway',
      conditions: [condition('ResolvedRefs', 'False', 'BackendNotFound', 'there is no Service default/gone')],
    },
  ],
};
const WARNING: ConfigIssue = {
  severity: 'warning',
  file: 'a.yaml',
  line: 3,
  column: 5,
  path: 'spec',
  resource: 'HTTPRoute default/chat',
  message: 'is odd',
  hint: 'make it even',
};
const report = (more: Partial<Report> = {}): Report => ({ version: 'abc', issues: [], statuses: [GATEWAY], ...more });

describe('isGood', () => {
  it('takes warnings, and conditions that are as they should be', () => {
    expect(isGood(report({ issues: [WARNING] }))).toBe(true);
    const overlapping = [{ ...GATEWAY, conditions: [condition('OverlappingTLSConfig', 'True')] }];
    expect(isGood(report({ statuses: overlapping }))).toBe(true);
  });

  it('refuses errors and bad conditions, of listeners and parents too', () => {
    expect(isGood(report({ issues: [{ ...WARNING, severity: 'error' }] }))).toBe(false);
    expect(isGood(report({ statuses: [GATEWAY, ROUTE] }))).toBe(false);
    const conflicted = [{ ...GATEWAY, conditions: [condition('Conflicted', 'True')] }];
    expect(isGood(report({ statuses: conflicted }))).toBe(false);
  });
});

describe('renderReport', () => {
  it('prints a table for people', () => {
    const lines = renderReport(report({ issues: [WARNING], statuses: [GATEWAY, ROUTE] }), 'table').split('\n');
    expect(lines).toEqual([
      'a.yaml:3:5: warning: HTTPRoute default/chat spec: is odd; make it even',
      '',
      'KIND       NAME          OF                           CONDITION     STATUS  REASON           MESSAGE',
      'Gateway    default/main                               Accepted      True    Accepted',
      'Gateway    default/main  listener http, routes: 2     Conflicted    False   NoConflicts',
      'HTTPRoute  default/chat  parent default/main/http:80  ResolvedRefs  False   BackendNotFound  there is no Service default/gone',
      '',
      '0 errors, 1 warning, 1 condition not as it should be; version abc',
      '',
    ]);
  });

  it('says the same as json and as yaml, resources as a cluster shows them', () => {
    const of = report({ issues: [WARNING], statuses: [ROUTE] });
    const object = JSON.parse(renderReport(of, 'json'));
    expect(parse(renderReport(of, 'yaml'))).toEqual(object);
    expect(object).toMatchObject({
      ok: false,
      version: 'abc',
      issues: [{ line: 3 }],
      resources: [
        {
          kind: 'HTTPRoute',
          metadata: { namespace: 'default', name: 'chat' },
          status: { parents: [{ conditions: [{ reason: 'BackendNotFound' }] }] },
        },
      ],
    });
  });

  it('writes out in yaml what resources have in common', () => {
    const text = renderReport(report({ statuses: [GATEWAY, { ...GATEWAY, name: 'other' }] }), 'yaml');
    expect(text).not.toMatch(/[&*]a\d/);
    expect(text.match(/type: Accepted/g)).toHaveLength(2);
  });

  it('has nothing to say of nothing', () => {
    expect(renderReport(report({ version: '', statuses: [] }), 'table')).toBe(
      '0 errors, 0 warnings, 0 conditions not as they should be\n',
    );
  });
});
