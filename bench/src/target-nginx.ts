/**
 * nginx as a peer: one worker, nothing logged, unbuffered proxying over HTTP/1.1 with the upgrade passed on as its
 * documentation says, default buffer sizes, long timeouts, limits far above the load.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { group, suite13, suites12 } from './certificate.js';
import { Child, findProgram } from './child.js';
import { freePort, type Started, type TargetPlace, waitForPort } from './place.js';

const configuration = (port: number, securePort: number, place: TargetPlace): string => `
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${place.folder}/nginx.pid;
error_log stderr crit;
events {
  worker_connections 20000;
  multi_accept on;
}
http {
  access_log off;
  tcp_nodelay on;
  keepalive_timeout 1h;
  client_body_temp_path ${place.folder}/nginx/body;
  proxy_temp_path ${place.folder}/nginx/proxy;
  fastcgi_temp_path ${place.folder}/nginx/fastcgi;
  uwsgi_temp_path ${place.folder}/nginx/uwsgi;
  scgi_temp_path ${place.folder}/nginx/scgi;
  map $http_upgrade $connection_upgrade {
    default upgrade;
    '' '';
  }
  upstream echo {
    server 127.0.0.1:${place.backendPort} max_fails=0;
    keepalive 64;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    listen 127.0.0.1:${securePort} ssl backlog=4096;
    ssl_certificate ${place.tls.certificateFile};
    ssl_certificate_key ${place.tls.keyFile};
    ssl_protocols TLSv${place.tls.version};
    ssl_ciphers ${suites12[place.tls.key]};
    ssl_conf_command Ciphersuites ${suite13};
    ssl_ecdh_curve ${group};
    location / {
      proxy_pass http://echo;
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_read_timeout 1h;
      proxy_send_timeout 1h;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`;

export async function startNginx(place: TargetPlace): Promise<Started> {
  const port = await freePort();
  const securePort = await freePort();
  const file = join(place.folder, 'nginx.conf');
  mkdirSync(join(place.folder, 'nginx'), { recursive: true });
  writeFileSync(file, configuration(port, securePort, place));
  const program = findProgram('nginx') ?? 'nginx';
  const child = new Child(program, ['-e', 'stderr', '-p', place.folder, '-c', file], { cpus: place.cpus });
  await waitForPort(port, child);
  await waitForPort(securePort, child);
  return { port, securePort, child };
}
