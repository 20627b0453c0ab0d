# sla-monitor as a container: no shell script, no root, nothing written outside /tmp.
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /src
COPY LICENSE README.md pyproject.toml ./
COPY monitor monitor
# The image needs no pip of its own: that of the build puts everything into the environment.
RUN python -m venv --without-pip /opt/sla-monitor \
    && pip --python /opt/sla-monitor/bin/python install --no-cache-dir .

FROM python:3.11.14-slim-bookworm
COPY --from=build /opt/sla-monitor /opt/sla-monitor
ENV PATH=/opt/sla-monitor/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /tmp
USER 10001:10001
EXPOSE 6066
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:6066/healthz', timeout=2)"]
ENTRYPOINT ["sla-monitor"]
CMD ["--help"]
