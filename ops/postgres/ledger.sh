#!/bin/sh
# Makes the ledger's user and database where they are missing; the user gets the password of .env and no other database.
# psql reads PGHOST, PGPORT, PGUSER and PGPASSWORD; LEDGER_PASSWORD is the new user's. Safe to repeat, after schema.sh.
set -eu
: "${LEDGER_PASSWORD:?set LEDGER_PASSWORD in .env}"
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set user="${LEDGER_USER:-whydesk}" --dbname postgres <<'SQL'
\getenv password LEDGER_PASSWORD
SELECT format('CREATE ROLE %I', :'user')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user') \gexec
ALTER ROLE :"user" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'user', :'user')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'user') \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', datname) FROM pg_database WHERE NOT datistemplate \gexec
SQL
