/**
 * What is wrong with a route, collected over its rules, and the conditions that follow from it.
 *
 * Every word is a condition; it is a warning too when the route serves requests. The standard has one condition for a
 * route of which some rules are not served (PartiallyInvalid), and another for one of which none is (Accepted False);
 * references that lead nowhere are neither (ResolvedRefs). Made for one route at a time.
 */
import { type ConfigPath, formatPath } from '../resources/path.js';
import { type HttpRoute, issueAt } from '../resources/resource.js';
import type { CompileContext } from './context.js';
import type { ServiceFault } from './services.js';
import type { UnservedField } from './unserved-fields.js';

/** Why a reference leads nowhere. */
export interface RefFault {
  readonly reason: 'InvalidKind' | 'RefNotPermitted' | ServiceFault['reason'];
  readonly message: string;
  readonly hint: string;
  /** What of the reference is wrong; '' for the whole of it. */
  readonly field: '' | 'kind' | 'namespace';
}

export interface RouteReport {
  /** `consequence`: what becomes of the requests. */
  unresolved(path: ConfigPath, fault: RefFault, consequence: string): void;
  /** What a rule asks for and nobody here can do. */
  unsupported(rule: number, path: ConfigPath, message: string, consequence: string): void;
  /** What the route is served without. */
  servedWithout(field: UnservedField): void;
  /** A filter that asks for a mirror: the rule is served without. */
  notMirrored(path: ConfigPath): void;
  warn(path: ConfigPath, message: string, hint?: string): void;
  /** Writes the conditions. False when the route is not accepted. */
  close(): boolean;
}

const NOT_MIRRORED = {
  message: 'RequestMirror does nothing for a WebSocket: its stream cannot be sent to two backends',
  hint: 'remove the filter; requests are served without it',
};

/** `serving`: whether the route serves requests, so that warnings about it are of use. */
export function createRouteReport(route: HttpRoute, serving: boolean, context: CompileContext): RouteReport {
  const { book, issues } = context;
  const unresolved: (RefFault & { readonly path: ConfigPath })[] = [];
  const unsupported = new Map<number, string>();
  /** Paths by what is said of them. */
  const without = new Map<string, ConfigPath[]>();
  const warn = (path: ConfigPath, message: string, hint = '', target?: 'key') => {
    if (serving) issues.push(issueAt(route, 'warning', path, message, hint, target));
  };
  const servedWithout = ({ path, message, hint }: UnservedField) => {
    without.set(message, [...(without.get(message) ?? []), path]);
    warn(path, message, hint, 'key');
  };
  return {
    warn,
    unresolved(path, fault, consequence) {
      unresolved.push({ ...fault, path });
      const at = fault.field === '' ? path : [...path, fault.field];
      warn(at, `${fault.message}: ${consequence}`, fault.hint);
    },
    unsupported(rule, path, message, consequence) {
      const first = unsupported.get(rule);
      if (first === undefined) unsupported.set(rule, `${formatPath(path)} ${message}: ${consequence}`);
      warn(path, `${message}: ${consequence}`);
    },
    servedWithout,
    notMirrored: (path) => servedWithout({ path, ...NOT_MIRRORED }),
    close() {
      const [fault, ...more] = unresolved;
      if (fault !== undefined) {
        const message = `${formatPath(fault.path)}: ${fault.message}${more.length === 0 ? '' : `, and ${more.length} more`}`;
        book.everyParent(route, { type: 'ResolvedRefs', status: 'False', reason: fault.reason, message });
      }
      const accepted = unsupported.size === 0 || sayUnsupported();
      if (accepted && without.size > 0) sayWithout();
      return accepted;
    },
  };

  function sayWithout(): void {
    const messages = [...without].map(([message, paths]) => `${paths.map(formatPath).join(', ')}: ${message}`);
    book.everyParent(route, { type: 'Accepted', status: 'True', reason: 'Accepted', message: messages.join('; ') });
  }

  function sayUnsupported(): boolean {
    const reason = 'UnsupportedValue';
    const messages = [...unsupported.values()].join('; ');
    if (unsupported.size === route.spec.rules.length) {
      book.everyParent(route, { type: 'Accepted', status: 'False', reason, message: messages });
      return false;
    }
    const message = `Dropped Rule ${[...unsupported.keys()].join(', ')}: ${messages}`;
    book.everyParent(route, { type: 'PartiallyInvalid', status: 'True', reason, message });
    return true;
  }
}
