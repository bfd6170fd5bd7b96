/** One HTTP request on a connection of its own, so that none stays open. */
import { request } from 'node:http';
import type { Address } from './raw-client.js';

export async function ask(to: Address, path: string, method: string): Promise<{ status: number; body: string }> {
  return await new Promise((resolve, reject) => {
    const asked = request({ host: to.address, port: to.port, path, method, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}
