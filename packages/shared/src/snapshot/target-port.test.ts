import { expect, test } from 'vitest';
import type { ConfigIssue } from '../resources/issue.js';
import { deployment, documents, parse, service } from '../testing/manifests.js';
import { indexDeployments, resolveTargetPort } from './target-port.js';

const COUNT = 50;

test('a Service looks at the Deployments that have its labels, not at all of them', () => {
  const name = (index: number) => `s${index}`;
  const { resources } = parse(
    documents(
      ...Array.from({ length: COUNT }, (_, index) =>
        documents(
          service(name(index), '{ port: 80, targetPort: ws }', 'default', {
            spec: `selector: { part-of: chat, app: ${name(index)} }`,
          }),
          deployment(name(index), `part-of: chat, app: ${name(index)}`),
        ),
      ),
    ),
  );
  let looks = 0;
  const counted = resources.deployments.map((each) => {
    const { namespace } = each;
    return Object.defineProperty({ ...each }, 'namespace', {
      get: () => {
        looks++;
        return namespace;
      },
    });
  });
  const deployments = indexDeployments(counted);
  const issues: ConfigIssue[] = [];
  const ports = resources.services.map((each) => {
    const [port] = each.spec.ports;
    return port && resolveTargetPort(each, port, deployments, issues);
  });
  expect(issues).toEqual([]);
  expect(ports).toEqual(Array(COUNT).fill(9000));
  expect(looks).toBeLessThan(COUNT * 5);
});
