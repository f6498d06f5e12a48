#!/bin/sh
# Makes Temporal's two databases where they are missing and brings their tables up to this release. Safe to repeat.
# The tool reads SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD.
set -eu
tool=${SQL_TOOL:-temporal-sql-tool}
for pair in temporal:temporal temporal_visibility:visibility; do
  database=${pair%%:*}
  schema=postgresql/v12/${pair##*:}
  "$tool" --plugin postgres12 --db "$database" create
  "$tool" --plugin postgres12 --db "$database" setup-schema -v 0.0
  "$tool" --plugin postgres12 --db "$database" update-schema --schema-name "$schema"
done
