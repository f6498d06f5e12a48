-- The least that Whydesk needs at a ClickHouse server. Run it as an administrator; replace the password, the network and the tables.

CREATE SETTINGS PROFILE whydesk SETTINGS
    readonly = 2 CONST,
    max_execution_time = 30 MAX 30,
    max_memory_usage = 1000000000 MAX 1000000000,
    max_result_rows = 20001 MAX 20001,
    max_rows_to_read = 2000000000 MAX 2000000000,
    max_bytes_to_read = 100000000000 MAX 100000000000,
    max_concurrent_queries_for_user = 20 CONST,
    allow_ddl = 0 CONST;

CREATE ROLE whydesk_reader;

-- The mapped tables, and nothing else: no *.*, no SOURCES, no dictionaries. Columns that no mapping names can be left out:
-- GRANT SELECT(event_time, org_id, route, status) ON prod.api_log TO whydesk_reader;
GRANT SELECT ON prod.api_log TO whydesk_reader;
GRANT SELECT ON prod.webhook_log TO whydesk_reader;
GRANT SELECT ON prod.meters TO whydesk_reader;
GRANT SELECT ON prod.orgs TO whydesk_reader;

CREATE USER whydesk IDENTIFIED WITH sha256_password BY 'choose-a-long-one' HOST IP '10.0.0.0/8'
    DEFAULT ROLE NONE SETTINGS PROFILE whydesk;
GRANT whydesk_reader TO whydesk;
SET DEFAULT ROLE whydesk_reader TO whydesk;

-- Rows that no investigation may ever see, such as customers of another region. Without the last policy, a table with a policy
-- for one user shows nothing to all others.
CREATE ROW POLICY whydesk_region ON prod.api_log FOR SELECT USING dc != 'private' TO whydesk;
CREATE ROW POLICY everyone_else ON prod.api_log FOR SELECT USING 1 TO ALL EXCEPT whydesk;
