/**
 * Schema of RoutePolicy (alb.networking.azure.io/v1): session affinity of an HTTPRoute.
 *
 * What affinityType demands is checked by the compiler, after `default` and `override` are merged. Any thread.
 * Source: the reference's API specification, RoutePolicyConfig and SessionAffinity.
 */
import type { z } from 'zod';
import { strictResource } from './metadata.js';
import { duration, routeTargetRef, token } from './policy-fields.js';
import { choice, fields, unsupported } from './schema.js';

const sessionAffinity = fields({
  affinityType: choice(['managed-cookie', 'application-cookie']).optional(),
  cookieName: token.optional(),
  cookieDuration: duration(1000, 99_999 * 3_600_000).optional(),
});

const config = fields({
  sessionAffinity: sessionAffinity.optional(),
  timeouts: unsupported('set the timeouts of all routes with the options of sluice serve'),
});

const spec = fields({
  targetRef: routeTargetRef,
  default: config.default({}),
  override: config.default({}),
});

export const routePolicySchema = strictResource(spec);

export type RoutePolicySpec = z.infer<typeof spec>;
export type RoutePolicyConfig = z.infer<typeof config>;
