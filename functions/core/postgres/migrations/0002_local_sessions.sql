-- Sign-in of the embedded gallery: one-time links and browser sessions, as SHA-256 of what only their holders know.

CREATE TABLE local_link (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX local_link_user ON local_link (user_id);
CREATE INDEX local_link_expiry ON local_link (expires_at);

CREATE TABLE local_session (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX local_session_user ON local_session (user_id);
CREATE INDEX local_session_expiry ON local_session (expires_at);
