/**
 * What Kubernetes would show of every resource, and the book that the compiler writes it in while it decides.
 *
 * A step of the compiler says only what is wrong; what nobody says anything of is as it should be, which `statuses.ts`
 * fills in at the end. Types and names are the standard's (gateway_types.go, httproute_types.go, policy_types.go) and the
 * reference's for its own policies. Plain data but for the book.
 */
import type { Gateway, HttpRoute, Resource } from '../resources/resource.js';

/** In `controllerName` of routes and policies. */
export const CONTROLLER_NAME = 'sluice.dev/gateway';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

export interface ListenerStatus {
  readonly name: string;
  readonly supportedKinds: readonly { readonly group: string; readonly kind: string }[];
  readonly attachedRoutes: number;
  readonly conditions: readonly Condition[];
}

export interface ParentStatus {
  readonly parentRef: Readonly<Record<string, string | number>>;
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

export interface AncestorStatus {
  readonly ancestorRef: Readonly<Record<string, string | number>>;
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

/** The `status` of one resource. Those of its members that the kind does not have are absent. */
export interface ResourceStatus {
  readonly apiVersion: string;
  readonly kind: string;
  /** '' for kinds that are in no namespace. */
  readonly namespace: string;
  readonly name: string;
  readonly conditions?: readonly Condition[];
  readonly addresses?: readonly { readonly type: string; readonly value: string }[];
  readonly listeners?: readonly ListenerStatus[];
  readonly parents?: readonly ParentStatus[];
  readonly ancestors?: readonly AncestorStatus[];
}

/** The first word on a condition counts; `status` is False unless the type says what is bad (`Conflicted`, True). */
export interface StatusBook {
  listener(gateway: Gateway, listener: string, condition: Condition): void;
  gateway(gateway: Gateway, condition: Condition): void;
  /** `parent`: position in spec.parentRefs. */
  route(route: HttpRoute, parent: number, condition: Condition): void;
  /** The same for every parent of the route. */
  everyParent(route: HttpRoute, condition: Condition): void;
  /** `target`: of the policy, as its ancestorRef (of the standard's BackendTLSPolicy); the reference's have conditions of their own. */
  policy(policy: Resource<unknown>, condition: Condition, target?: AncestorStatus['ancestorRef']): void;
}
