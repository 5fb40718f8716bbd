# MUXI as an image: the portable file, built from these sources and unpacked beforehand, so that nothing is written
# outside /data at run time.
#
#   docker build -t muxi . && docker run --read-only --tmpfs /tmp -v muxi:/data -p 8000:8000 muxi

FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates nodejs npm
WORKDIR /src
COPY . .
RUN npx -y deno@2.9.6 task package
RUN MUXI_RUNTIME_DIR=/runtime dist/muxi version && mv /runtime/* /opt/muxi && rm -rf /opt/muxi/cache
# The second start in its final place leaves what V8 compiled: every start and every check of health takes half the time.
RUN /opt/muxi/muxi version && /opt/muxi/muxi version && chmod -R a+rX /opt/muxi

FROM debian:bookworm-slim
# It holds the programs of tool servers where the container may make user namespaces (README, "Docker").
RUN apt-get update && apt-get install -y --no-install-recommends bubblewrap && rm -rf /var/lib/apt/lists/*
LABEL org.opencontainers.image.title="MUXI" \
      org.opencontainers.image.description="An agent server in one process"
COPY --from=build /opt/muxi /opt/muxi
RUN install -d -o 10001 -g 10001 -m 700 /data
ENV PATH=/opt/muxi:/usr/local/bin:/usr/bin:/bin \
    HOME=/data \
    MUXI_HOST=0.0.0.0 \
    MUXI_PORT=8000 \
    MUXI_DATA_DIR=/data \
    MUXI_LOG_FORMAT=json
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000 8001/tcp 8001/udp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["/bin/sh", "-c", "exec muxi health live --url http://127.0.0.1:$MUXI_PORT"]
ENTRYPOINT ["/opt/muxi/muxi"]
CMD ["serve"]
