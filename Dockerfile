# The production image: worker, gateway and commands, without the engine and the server of the embedded demo.
FROM python:3.13-slim AS build
WORKDIR /whydesk
COPY requirements/ requirements/
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements/production.txt
COPY . .
RUN printf '#!/whydesk/.venv/bin/python\nimport sys\nfrom cli.main import run\nsys.exit(run())\n' > .venv/bin/whydesk \
    && chmod +x .venv/bin/whydesk \
    && .venv/bin/python -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_paths()["purelib"], "whydesk.pth").write_text("/whydesk\n")'

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /whydesk whydesk
COPY --from=build --chown=root:root /whydesk /whydesk
WORKDIR /whydesk
ENV PATH=/whydesk/.venv/bin:$PATH PYTHONUNBUFFERED=1 WHYDESK_STATE=/state
VOLUME /state
USER whydesk
ENTRYPOINT ["whydesk"]
CMD ["worker"]
