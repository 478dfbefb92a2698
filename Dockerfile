# One image with two entry points: the arguments are "operator ..." or "serve ..." (or any other command of socketserver).
# "npm run image" builds it. By hand: npm ci && npm run build && docker build -t socketserver .

# Any image with Node 24.21 or later in its PATH; nothing else is needed of it, no shell either. Pin it by its digest where
# images must come out alike, to one with the security releases of October 2026 (Node 26.12.1, 24.22.1) or later.
ARG BASE_IMAGE=gcr.io/distroless/nodejs26-debian13:nonroot
FROM ${BASE_IMAGE}

ARG BASE_IMAGE
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="socketserver" \
  org.opencontainers.image.description="TLS listeners as a Kubernetes resource: the engine that serves them, and the operator" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.created="${CREATED}" \
  org.opencontainers.image.base.name="${BASE_IMAGE}"

COPY dist/ /opt/socketserver/

# "socketserver" for "kubectl exec"; /nodejs/bin is where images without a shell have their Node.
ENV PATH=/opt/socketserver:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/nodejs/bin
ENV NODE_ENV=production
WORKDIR /
USER 65532:65532
STOPSIGNAL SIGTERM
# A cluster asks by HTTP instead; this is for Docker and Podman.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["node", "/opt/socketserver/sidecar/bin.js", "health"]
ENTRYPOINT ["node", "/opt/socketserver/sidecar/bin.js"]
CMD ["help"]
