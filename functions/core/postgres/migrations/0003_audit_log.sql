-- What people and operators did, as a chain that shows when a row was changed or taken away.

-- Without its salt nobody can tell any more whom an actor's hash means: erasing a person destroys it.
CREATE TABLE actor_salts (
    user_id uuid PRIMARY KEY,
    salt bytea NOT NULL
);

CREATE TABLE audit_log (
    seq bigint PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor bytea,  -- SHA-256 of salt and user; null for the gallery itself
    action text NOT NULL,
    object text NOT NULL,
    before bytea,  -- SHA-256 of what it was, where it was something
    after bytea,
    request_id text NOT NULL DEFAULT '',
    network text NOT NULL DEFAULT '',
    previous bytea NOT NULL,
    hash bytea NOT NULL
);

-- The last link: a log whose end was cut off does not reach it.
CREATE TABLE audit_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL,
    hash bytea NOT NULL
);
INSERT INTO audit_head (seq, hash) VALUES (0, '\x');

CREATE FUNCTION audit_hash(entry audit_log) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(jsonb_build_array(
        entry.seq, to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), encode(entry.actor, 'hex'),
        entry.action, entry.object, encode(entry.before, 'hex'), encode(entry.after, 'hex'),
        entry.request_id, entry.network, encode(entry.previous, 'hex'))::text, 'UTF8'))
$$;

-- Runs as the owner, so that the role that writes can neither choose a link nor move the head.
CREATE FUNCTION audit_link() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    head audit_head;
BEGIN
    SELECT * INTO head FROM audit_head FOR UPDATE;
    NEW.seq := head.seq + 1;
    NEW.at := clock_timestamp();
    NEW.previous := head.hash;
    NEW.hash := audit_hash(NEW);
    UPDATE audit_head SET seq = NEW.seq, hash = NEW.hash;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_link BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_link();
