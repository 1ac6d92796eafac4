"""Clips fingerprinted until now get their length beside their frames, and an empty track."""

from django.db import migrations

FORWARD = """
INSERT INTO references_cliptrack (work_id, take_id, duration_s, algorithm_id, times, hashes, qualities)
SELECT work_id, take_id, max(time_s + duration_s), 1, ''::bytea, ''::bytea, ''::bytea
FROM references_fingerprint GROUP BY work_id, take_id;
"""


class Migration(migrations.Migration):
    dependencies = [("references", "0005_ingests")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
