# Sluice: the gateway (`sluice`), its health daemon (`healthd`) and, as a target of its own, the demo backend.
#
#   docker build -t sluice .                     the gateway and the daemon
#   docker build -t demo --target demo .         the backend of docker-compose.yml
#
# The engine is compiled against the headers beside the node that runs it, so both stages have the same base.

FROM node:24-bookworm-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential python3 \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /sluice
COPY . .
RUN node scripts/setup.mjs
# What is needed to run, and nothing else: sources, tests and development packages stay in this stage.
RUN rm -rf node_modules packages/*/node_modules examples/*/node_modules \
 && CI=true npx --yes pnpm@10 install --prod --frozen-lockfile --ignore-scripts \
      --filter '@sluice/dataplane...' --filter '@sluice/healthd...' --filter '@sluice/quickstart' \
 && find packages -name '*.test.*' -delete \
 && rm -rf packages/*/src packages/dataplane/native packages/*/dist/.tsbuildinfo \
 && mv packages/dataplane/build/Release/sluice.node /tmp/sluice.node && rm -rf packages/dataplane/build \
 && mkdir -p packages/dataplane/build/Release && mv /tmp/sluice.node packages/dataplane/build/Release/

FROM node:24-bookworm-slim AS demo
WORKDIR /sluice
COPY --from=build /sluice/node_modules node_modules
COPY --from=build /sluice/examples/quickstart examples/quickstart
USER node
ENV BACKEND_HOST=0.0.0.0
EXPOSE 9000
CMD ["node", "examples/quickstart/backend.mjs", "9000"]

FROM node:24-bookworm-slim
WORKDIR /sluice
COPY --from=build /sluice/package.json ./
COPY --from=build /sluice/node_modules node_modules
COPY --from=build /sluice/packages packages
RUN ln -s /sluice/packages/dataplane/bin/sluice.js /usr/local/bin/sluice \
 && ln -s /sluice/packages/healthd/bin/healthd.js /usr/local/bin/healthd
USER node
ENV NODE_ENV=production
EXPOSE 8080 9900
ENTRYPOINT []
CMD ["sluice", "serve", "--config", "/etc/sluice"]
