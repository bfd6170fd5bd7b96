/**
 * Annotations about the pace of closing on objects whose connections are never closed: a warning, for they do nothing.
 *
 * Pure.
 */
import { type AnnotatedKind, annotationKey } from '../resources/annotations.js';
import type { ConfigIssue } from '../resources/issue.js';
import { type Gateway, type HttpRoute, issueAt, type ResourceSet, type Service } from '../resources/resource.js';
import type { LiveAction } from './service-policy.js';

/** Of Gateways, routes and Services. */
export function unreadPace({ gateways, httpRoutes, services }: ResourceSet): ConfigIssue[] {
  return [
    ...gateways.flatMap((gateway) => unread('Gateway', gateway, [gateway.annotations.liveConnections])),
    ...httpRoutes.flatMap((route) => unread('HTTPRoute', route, [route.annotations.liveConnections])),
    ...services.flatMap((service) => unread('Service', service, Object.values(service.annotations.live ?? {}))),
  ];
}

/** `actions`: what is done with live connections; nothing is like `keep`. */
function unread(
  kind: AnnotatedKind & ('Gateway' | 'HTTPRoute' | 'Service'),
  resource: Gateway | HttpRoute | Service,
  actions: readonly (LiveAction | undefined)[],
): ConfigIssue[] {
  const { drainDeadlineMs, closeWindowMs } = resource.annotations;
  const drains = actions.includes('drain');
  const warn = (field: 'drainDeadlineMs' | 'closeWindowMs', wanted: string): ConfigIssue => {
    const hint = `write sluice.dev/live-connections: ${wanted}, or remove the annotation`;
    const path = ['metadata', 'annotations', annotationKey(kind, field)];
    return issueAt(resource, 'warning', path, `is read only where connections are to ${wanted}`, hint, 'key');
  };
  return [
    ...(drainDeadlineMs !== undefined && !drains ? [warn('drainDeadlineMs', 'drain')] : []),
    ...(closeWindowMs !== undefined && !drains && !actions.includes('close')
      ? [warn('closeWindowMs', 'drain or close')]
      : []),
  ];
}
