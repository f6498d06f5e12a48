# The production image: worker, gateway and commands, without the engine and the server of the embedded demo.
FROM python:3.13-slim-bookworm AS build
WORKDIR /whydesk
COPY requirements/production.txt requirements/
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/production.txt
COPY . .
# The root file system is read-only where it runs: what Python would write beside the code is written now.
RUN printf '#!/whydesk/.venv/bin/python\nimport sys\nfrom cli.main import run\nsys.exit(run())\n' > .venv/bin/whydesk \
    && chmod 755 .venv/bin/whydesk \
    && .venv/bin/python -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_paths()["purelib"], "whydesk.pth").write_text("/whydesk\n")' \
    && .venv/bin/python -m compileall -q -x '/(\.venv|sandbox/worlds)/' /whydesk

FROM python:3.13-slim-bookworm
# The state's folder is made here: a new volume takes its owner from it.
RUN useradd --system --uid 10001 --user-group --home-dir /whydesk --no-create-home --shell /usr/sbin/nologin whydesk \
    && install -d -o whydesk -g whydesk -m 0700 /state
COPY --from=build --chown=root:root /whydesk /whydesk
WORKDIR /whydesk
ENV PATH=/whydesk/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 WHYDESK_STATE=/state
VOLUME /state
USER 10001:10001
ENTRYPOINT ["whydesk"]
CMD ["worker"]
