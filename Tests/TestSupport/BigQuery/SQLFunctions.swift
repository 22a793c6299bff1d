/// GoogleSQL's functions that PostgreSQL lacks, or has with another meaning, in a schema that is searched
/// first.
enum SQLFunctions {
    static let schema = "googlesql"

    static let install = """
        CREATE SCHEMA IF NOT EXISTS googlesql;
        SET search_path = googlesql, pg_catalog;
        CREATE OR REPLACE FUNCTION to_string(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1';
        CREATE OR REPLACE FUNCTION to_string(bigint) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1::text';
        CREATE OR REPLACE FUNCTION to_string(boolean) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1::text';
        CREATE OR REPLACE FUNCTION to_string(numeric) RETURNS text IMMUTABLE LANGUAGE sql
            AS 'SELECT trim_scale($1)::text';
        CREATE OR REPLACE FUNCTION to_string(timestamptz) RETURNS text STABLE LANGUAGE sql AS 'SELECT $1::text';
        CREATE OR REPLACE FUNCTION unix_micros(timestamptz) RETURNS bigint IMMUTABLE LANGUAGE sql
            AS 'SELECT (extract(epoch FROM $1) * 1000000)::bigint';
        CREATE OR REPLACE FUNCTION unix_millis(timestamptz) RETURNS bigint IMMUTABLE LANGUAGE sql
            AS 'SELECT floor(extract(epoch FROM $1) * 1000)::bigint';
        CREATE OR REPLACE FUNCTION timestamp_micros(bigint) RETURNS timestamptz IMMUTABLE LANGUAGE sql
            AS $$SELECT timestamptz '1970-01-01 00:00:00+00' + $1 * interval '1 microsecond'$$;
        CREATE OR REPLACE FUNCTION timestamp_millis(bigint) RETURNS timestamptz IMMUTABLE LANGUAGE sql
            AS $$SELECT timestamptz '1970-01-01 00:00:00+00' + $1 * interval '1 millisecond'$$;
        CREATE OR REPLACE FUNCTION "if"(boolean, anyelement, anyelement) RETURNS anyelement IMMUTABLE LANGUAGE sql
            AS 'SELECT CASE WHEN $1 THEN $2 ELSE $3 END';
        CREATE OR REPLACE FUNCTION error(text) RETURNS text VOLATILE LANGUAGE plpgsql
            AS 'BEGIN RAISE EXCEPTION USING MESSAGE = $1; END';
        CREATE OR REPLACE FUNCTION countif_step(bigint, boolean) RETURNS bigint IMMUTABLE LANGUAGE sql
            AS 'SELECT $1 + CASE WHEN $2 THEN 1 ELSE 0 END';
        CREATE OR REPLACE AGGREGATE countif(boolean) (SFUNC = countif_step, STYPE = bigint, INITCOND = '0');
        -- Of INT64 the sum is INT64; PostgreSQL's own would be numeric.
        CREATE OR REPLACE AGGREGATE sum(bigint) (SFUNC = int8pl, STYPE = bigint);
        """
}
