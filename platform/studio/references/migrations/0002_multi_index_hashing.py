"""Exact Hamming search over PDQ hashes inside PostgreSQL: multi-index hashing on a GIN index.

A 256-bit hash is cut into 16 chunks of 16 bits. Two hashes within distance 31 agree to within one bit in
at least one chunk, since 16 chunks each off by two or more bits would make 32. So looking up the chunk and its
16 neighbours at distance one, for all 16 chunks (272 keys), finds every hash within radius 31; the exact
distance then drops the rest.
"""

from django.db import migrations

CHUNK = "(({n} << 16) | (substring(hash FROM {start} FOR 16))::bit(16)::int)"
KEYS = ", ".join(CHUNK.format(n=n, start=n * 16 + 1) for n in range(16))

FORWARD = f"""
CREATE FUNCTION slate_pdq_keys(hash bit(256)) RETURNS int[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT ARRAY[{KEYS}] $$;
CREATE INDEX references_fingerprint_pdq_keys ON references_fingerprint
    USING gin (slate_pdq_keys(pdq)) WITH (fastupdate = off) WHERE quality >= 50;
"""
BACKWARD = """
DROP INDEX references_fingerprint_pdq_keys;
DROP FUNCTION slate_pdq_keys(bit);
"""


class Migration(migrations.Migration):
    dependencies = [("references", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
