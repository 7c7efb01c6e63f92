# The agent in an image: compiled in one stage, its production packages in another, neither compiler nor tests in the last.
#
#   docker build -t streamhouse-agent .
#   docker run --rm -v streamhouse:/data streamhouse-agent
#   docker run --rm streamhouse-agent --help
#
# Nothing runs a package's install script: what is needed comes prebuilt. The images are glibc ones, as those builds are.

FROM node:22-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY test/postgres-14/package.json ./test/postgres-14/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json tsconfig.console.json tsconfig.console.build.json rolldown.config.ts ./
COPY licenses ./licenses
COPY scripts ./scripts
COPY src ./src
RUN npm run build

FROM node:22-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
COPY test/postgres-14/package.json ./test/postgres-14/
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
# The database driver comes prebuilt for two C libraries, and npm takes both. This image has glibc.
RUN rm -rf node_modules/@libsql/*-musl

FROM node:22-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY drizzle ./drizzle
# The example broker, for `demo` and for docker-compose.yml's profile `example`.
COPY examples ./examples
COPY package.json ./
RUN ln -s /app/dist/main.js /usr/local/bin/streamhouse

# The embedded store: the user of the image owns the directory before the volume is made from it. It is where
# DATABASE_URL's default points from here. Set as a variable it would go before a DATABASE_URL_FILE of yours.
RUN mkdir /data && chown node:node /data
VOLUME /data
WORKDIR /

# `node`, as a number, so that an orchestrator can see that it is not root.
USER 1000:1000

# The API listens on the container's own loopback until HTTP_HOST and API_INSECURE say otherwise.
EXPOSE 7070

# Liveness, not readiness: what restarts unhealthy containers must not restart every agent when the store is away.
# The port of the metrics goes first: it speaks plain HTTP where the API speaks TLS.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "--eval", "const set = (name) => process.env['STREAMHOUSE_' + name] || process.env[name]; fetch('http://127.0.0.1:' + (set('METRICS_PORT') || set('HTTP_PORT') || 7070) + '/livez').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]

# No shell in between: SIGTERM reaches the agent, which hands over before it stops.
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["agent"]
