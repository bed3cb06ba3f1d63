-- What happened to assets, in the order in which it became true: what live updates tell and replay.

CREATE TABLE asset_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner uuid NOT NULL,  -- no reference: its lock would be waited for below, at the one place where nobody may wait
    asset_id uuid NOT NULL,
    state text NOT NULL,
    moderation text NOT NULL,
    trashed boolean NOT NULL,
    reason text,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX asset_change_of_owner ON asset_change (owner, id);
CREATE INDEX asset_change_age ON asset_change (at);

-- Numbers of a sequence may become visible out of their order: a reader that has seen 7 would miss a 6 that commits later.
-- So they are drawn at the commit, one transaction at a time, by a deferred trigger. Nobody who holds this lock waits for
-- a row, so it closes no circle; and a transaction that notifies stands in one line at its commit in any case.
CREATE FUNCTION note_asset_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asset assets := coalesce(NEW, OLD);
BEGIN
    PERFORM pg_advisory_xact_lock(7155005);
    INSERT INTO asset_change (owner, asset_id, state, moderation, trashed, reason)
    VALUES (asset.owner, asset.id, CASE TG_OP WHEN 'DELETE' THEN 'deleted' ELSE asset.state END,
        asset.moderation, asset.trashed_at IS NOT NULL, asset.reason);
    PERFORM pg_notify('miraveja_changes', asset.owner::text);
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER asset_came_or_went AFTER INSERT OR DELETE ON assets
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_asset_change();
CREATE CONSTRAINT TRIGGER asset_changed AFTER UPDATE ON assets
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.state, OLD.moderation, OLD.trashed_at IS NULL, OLD.reason)
        IS DISTINCT FROM (NEW.state, NEW.moderation, NEW.trashed_at IS NULL, NEW.reason))
    EXECUTE FUNCTION note_asset_change();

CREATE FUNCTION forget_asset_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM asset_change WHERE owner = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER forget_asset_changes AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION forget_asset_changes();
