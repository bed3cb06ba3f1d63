-- People who leave: out of sight at once, then everything of theirs goes, and their row last.

ALTER TABLE users ADD COLUMN erased_at timestamptz;
CREATE INDEX users_leaving ON users (erased_at) WHERE erased_at IS NOT NULL;

-- Which assets were theirs, for as long as inbox, outbox and dead letters may still name them.
CREATE TABLE erased_assets (
    asset_id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX erased_assets_user ON erased_assets (user_id);

-- SHA-256 of issuer and subject: for a day, tokens from before the end make no new account.
CREATE TABLE departed (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX departed_age ON departed (at);
