"""Lets a rendition be published only beside a credential, a watermark record and a passing gate for the
very same bytes, and keeps all of them from changing afterwards."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION slate_check_published() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    row_now takes_rendition%ROWTYPE;
BEGIN
    -- Deferred to the commit: the rows of one publication may be written in any order.
    SELECT * INTO row_now FROM takes_rendition WHERE id = NEW.id;
    IF NOT FOUND OR row_now.published_at IS NULL THEN
        RETURN NULL;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM credentials_credential c
                   WHERE c.rendition_id = row_now.id AND c.file_sha256 = row_now.sha256) THEN
        RAISE EXCEPTION 'rendition % cannot be published: no credential for these bytes', row_now.id
            USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM credentials_watermarkrecord w WHERE w.rendition_id = row_now.id) THEN
        RAISE EXCEPTION 'rendition % cannot be published: no watermark record', row_now.id
            USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM credentials_gatereport g
                   WHERE g.rendition_id = row_now.id AND g.passed AND g.file_sha256 = row_now.sha256) THEN
        RAISE EXCEPTION 'rendition % cannot be published: no passing gate for these bytes', row_now.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER takes_rendition_published_only_when_proven
    AFTER INSERT OR UPDATE ON takes_rendition DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION slate_check_published();

CREATE FUNCTION slate_refuse_change_once_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NULL THEN
        IF TG_OP = 'DELETE' THEN
            RETURN OLD;
        END IF;
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'rendition % is published and can no longer change', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER takes_rendition_immutable_once_published BEFORE UPDATE OR DELETE ON takes_rendition
    FOR EACH ROW EXECUTE FUNCTION slate_refuse_change_once_published();

CREATE TRIGGER credentials_credential_immutable BEFORE UPDATE OR DELETE ON credentials_credential
    FOR EACH ROW EXECUTE FUNCTION slate_refuse_change();
CREATE TRIGGER credentials_watermarkrecord_immutable BEFORE UPDATE OR DELETE ON credentials_watermarkrecord
    FOR EACH ROW EXECUTE FUNCTION slate_refuse_change();
CREATE TRIGGER credentials_gatereport_immutable BEFORE UPDATE OR DELETE ON credentials_gatereport
    FOR EACH ROW EXECUTE FUNCTION slate_refuse_change();
"""
BACKWARD = """
DROP TRIGGER credentials_gatereport_immutable ON credentials_gatereport;
DROP TRIGGER credentials_watermarkrecord_immutable ON credentials_watermarkrecord;
DROP TRIGGER credentials_credential_immutable ON credentials_credential;
DROP TRIGGER takes_rendition_immutable_once_published ON takes_rendition;
DROP FUNCTION slate_refuse_change_once_published();
DROP TRIGGER takes_rendition_published_only_when_proven ON takes_rendition;
DROP FUNCTION slate_check_published();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("credentials", "0001_initial"),
        ("ledger", "0002_append_only"),
        ("takes", "0001_initial"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
