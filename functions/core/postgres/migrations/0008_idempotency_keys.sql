-- Requests that may come again: what was asked under a key of the client's choice, and what it was answered.

CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 128),
    request bytea NOT NULL CHECK (octet_length(request) = 32),  -- SHA-256 of what was asked, and with which rights
    token uuid NOT NULL,  -- of whoever carries it out
    lease_until timestamptz NOT NULL,
    status smallint,  -- null until it is answered
    headers jsonb,
    body bytea,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
