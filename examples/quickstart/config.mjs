/**
 * The folder of manifests for `npm start`: this one, or, when the demo backends use other ports than backends.yaml
 * says, a copy with those ports, which goes when this process ends.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = path.dirname(fileURLToPath(import.meta.url));
/** The endpoints that backends.yaml names. */
export const DECLARED_BACKEND_PORTS = [9101, 9102];

export function configFolder(ports) {
  if (ports.every((port, index) => port === DECLARED_BACKEND_PORTS[index])) return FOLDER;
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-quickstart-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const file of ['gateway.yaml', 'health.yaml', 'route.yaml'])
    copyFileSync(path.join(FOLDER, file), path.join(folder, file));
  const backends = readFileSync(path.join(FOLDER, 'backends.yaml'), 'utf8');
  const portOf = (declared) => ports[DECLARED_BACKEND_PORTS.indexOf(Number(declared))];
  const moved = backends.replace(/(?<= port: )(9101|9102)$/gm, portOf);
  writeFileSync(path.join(folder, 'backends.yaml'), moved);
  return folder;
}
