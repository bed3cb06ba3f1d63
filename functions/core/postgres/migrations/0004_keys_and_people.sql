-- API keys, what people say of themselves, and who is still to be told of a ban.

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    scopes text[] NOT NULL CHECK (scopes <> '{}' AND scopes <@ '{read,upload,write}'),
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),  -- SHA-256 of what only its holder knows
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX api_keys_by_user ON api_keys (user_id, created_at DESC);

-- A handle without what the eye reads over: ann.lee, Ann_Lee, annlee and ann1ee are alike.
CREATE FUNCTION handle_alike(handle text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT replace(replace(translate(lower(handle), '015i._-', 'olsl'), 'rn', 'm'), 'vv', 'w')
$$;
CREATE UNIQUE INDEX users_alike ON users (handle_alike(handle));

ALTER TABLE users ADD COLUMN settings jsonb NOT NULL DEFAULT '{}';
-- Null, or the last of this person's assets that the index was told of after a ban, or its end.
ALTER TABLE users ADD COLUMN told_until uuid;
CREATE INDEX users_untold ON users (id) WHERE told_until IS NOT NULL;
