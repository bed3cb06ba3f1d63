-- Handles that people gave up: for a while nobody else can be taken for them.

CREATE TABLE former_handles (
    alike text PRIMARY KEY,
    handle text NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX former_handles_by_user ON former_handles (user_id, at);
CREATE INDEX former_handles_age ON former_handles (at);
