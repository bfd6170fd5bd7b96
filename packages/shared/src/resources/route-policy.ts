/**
 * Schema of RoutePolicy (alb.networking.azure.io/v1): session affinity and timeout of an HTTPRoute.
 *
 * What affinityType demands is checked by the compiler, after `default` and `override` are merged. Any thread.
 * Source: the reference's API specification, RoutePolicyConfig and SessionAffinity.
 */
import type { z } from 'zod';
import { strictResource } from './metadata.js';
import { duration, routeTargetRef, token } from './policy-fields.js';
import { choice, fields } from './schema.js';

const DAY_MS = 86_400_000;

const sessionAffinity = fields({
  affinityType: choice(['managed-cookie', 'application-cookie']).optional(),
  cookieName: token.optional(),
  cookieDuration: duration(1000, 99_999 * 3_600_000).optional(),
});

const config = fields({
  sessionAffinity: sessionAffinity.optional(),
  timeouts: fields({ routeTimeout: duration(0, DAY_MS).optional() }).optional(),
});

const spec = fields({
  targetRef: routeTargetRef,
  default: config.default({}),
  override: config.default({}),
});

export const routePolicySchema = strictResource(spec);

export type RoutePolicySpec = z.infer<typeof spec>;
export type RoutePolicyConfig = z.infer<typeof config>;
