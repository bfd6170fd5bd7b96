/**
 * The Gateways that are ours, and the addresses that they ask for.
 *
 * Without a GatewayClass object every Gateway is ours: the files of a gateway that runs outside a cluster need none. A
 * class that names somebody else's controller leaves its Gateways to that one. An address that cannot be bound makes the
 * Gateway unacceptable (UnsupportedAddress); the reference's own type names a frontend in its cloud and asks for nothing
 * here. Pure but for what it says.
 */
import { canonicalAddress } from '../resources/address.js';
import type { GatewayAddress } from '../resources/gateway.js';
import type { ConfigPath } from '../resources/path.js';
import { type Gateway, type GatewayClass, issueAt, resourceName } from '../resources/resource.js';
import { includes } from './conflicts.js';
import type { CompileContext } from './context.js';
import { compareText } from './hostname.js';
import { CONTROLLER_NAME } from './status.js';
import { unservedOfGateway } from './unserved-fields.js';

/** Controllers whose Gateways are served: our own, and the reference's, so that its manifests run unchanged. */
const CONTROLLERS: readonly string[] = [CONTROLLER_NAME, 'alb.networking.azure.io/alb-controller'];

/** A frontend of the reference product: an address that its cloud gives. */
const FRONTEND_TYPE = 'alb.networking.azure.io/alb-frontend';

export interface OwnGateway {
  readonly gateway: Gateway;
  /** To bind, canonical; none: what the options of the process say. */
  readonly addresses: readonly string[];
  /** Whether its listeners may be served. */
  readonly accepted: boolean;
}

/** Whether Gateways of the class are ours. */
export function isOurs({ spec }: GatewayClass): boolean {
  return CONTROLLERS.includes(spec.controllerName);
}

/** Our Gateways, by name. */
export function ownGateways(context: CompileContext): OwnGateway[] {
  const classes = new Map(context.resources.gatewayClasses.map((each) => [each.name, each]));
  return [...context.resources.gateways]
    .sort((a, b) => compareText(resourceName(a), resourceName(b)))
    .filter((gateway) => !belongsToOthers(gateway, classes.get(gateway.spec.gatewayClassName), context))
    .map((gateway) => ownGateway(gateway, context));
}

function belongsToOthers(gateway: Gateway, of: GatewayClass | undefined, { issues }: CompileContext): boolean {
  if (of === undefined || isOurs(of)) return false;
  const message = `is passed over: GatewayClass ${of.name} belongs to controller ${of.spec.controllerName}`;
  const hint = `a class of ours has the controllerName ${CONTROLLER_NAME}`;
  issues.push(issueAt(gateway, 'warning', ['spec', 'gatewayClassName'], message, hint));
  return true;
}

function ownGateway(gateway: Gateway, context: CompileContext): OwnGateway {
  const { addresses } = gateway.spec;
  const refuse = (reason: string, path: ConfigPath, message: string, hint: string) => {
    context.book.gateway(gateway, { type: 'Accepted', status: 'False', reason, message });
    context.issues.push(issueAt(gateway, 'warning', path, `${message}: the Gateway is not served`, hint));
  };
  for (const { path, message, hint } of unservedOfGateway(gateway)) {
    context.issues.push(issueAt(gateway, 'warning', path, message, hint, 'key'));
  }
  let accepted = true;
  for (const [position, address] of addresses.entries()) {
    const fault = addressFault(address);
    if (fault === undefined) continue;
    accepted = false;
    refuse('UnsupportedAddress', ['spec', 'addresses', position], fault, 'use an address of type IPAddress');
  }
  if (hasParameters(gateway)) {
    accepted = false;
    const path = ['spec', 'infrastructure', 'parametersRef'];
    refuse('InvalidParameters', path, 'parameters of other controllers are not known here', 'remove parametersRef');
  }
  const bound = addresses.flatMap(({ type, value }) => (type === 'IPAddress' ? (anyAddress(value) ?? []) : []));
  const needed = bound.filter((address) => !bound.some((other) => includes(other, address)));
  return { gateway, addresses: [...new Set(needed)].sort(compareText), accepted };
}

/** GatewayInfrastructure.ParametersRef; its other fields are about objects of a cluster. */
function hasParameters({ spec: { infrastructure } }: Gateway): boolean {
  return infrastructure?.parametersRef !== undefined;
}

/** Why an address cannot be bound; undefined when it can, or when it asks for none in particular. */
function addressFault({ type, value }: GatewayAddress): string | undefined {
  if (type === FRONTEND_TYPE) return undefined;
  if (type !== 'IPAddress') return `an address of type ${type} cannot be bound`;
  if (value === '' || anyAddress(value) !== undefined) return undefined;
  return `${JSON.stringify(value)} is not an IP address`;
}

function anyAddress(text: string): string | undefined {
  return canonicalAddress(text, 'IPv4') ?? canonicalAddress(text, 'IPv6');
}
