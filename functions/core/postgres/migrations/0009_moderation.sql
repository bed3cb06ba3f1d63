-- Moderation as a job: verdicts with their history, what people ask moderators to look at, and who looks at it now.

-- Whether a person's verdict stands: the machine writes over none.
ALTER TABLE assets ADD COLUMN judged boolean NOT NULL DEFAULT false;
CREATE INDEX assets_hidden ON assets (id) WHERE state = 'ready' AND moderation <> 'approved';

-- Every verdict there was; without a moderator where the machine said it, or they have left.
CREATE TABLE moderation_decisions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    asset_id uuid NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    by_person boolean NOT NULL,
    moderator uuid REFERENCES users (id) ON DELETE SET NULL,
    own boolean NOT NULL DEFAULT false,  -- the moderator's own picture
    decision text NOT NULL CHECK (decision IN ('approve', 'reject', 'restrict', 'wait', 'undo')),
    before text NOT NULL,
    reason_before text,
    judged_before boolean NOT NULL DEFAULT false,
    after text NOT NULL,
    reason text,
    note text NOT NULL DEFAULT '',
    scores jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX moderation_decisions_by_asset ON moderation_decisions (asset_id, id DESC);
CREATE INDEX moderation_decisions_by_moderator ON moderation_decisions (moderator) WHERE moderator IS NOT NULL;
INSERT INTO moderation_decisions (asset_id, by_person, decision, before, after)
SELECT id, false, CASE moderation WHEN 'rejected' THEN 'reject' ELSE 'restrict' END, 'pending', moderation
FROM assets WHERE moderation IN ('restricted', 'rejected');

-- Reports of anybody and appeals of owners; open until the next decision.
CREATE TABLE moderation_requests (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    asset_id uuid NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    person uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('report', 'appeal')),
    appealed bigint REFERENCES moderation_decisions (id) ON DELETE CASCADE,
    reason text,
    note text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_by bigint REFERENCES moderation_decisions (id) ON DELETE CASCADE,
    CHECK ((kind = 'appeal') = (appealed IS NOT NULL))
);
CREATE INDEX moderation_requests_open ON moderation_requests (asset_id) WHERE closed_by IS NULL;
CREATE INDEX moderation_requests_by_asset ON moderation_requests (asset_id);
CREATE INDEX moderation_requests_by_person ON moderation_requests (person, created_at);
CREATE INDEX moderation_requests_closed ON moderation_requests (closed_by) WHERE closed_by IS NOT NULL;
CREATE UNIQUE INDEX moderation_reports_once ON moderation_requests (asset_id, person)
    WHERE kind = 'report' AND closed_by IS NULL;
CREATE UNIQUE INDEX moderation_appeals_once ON moderation_requests (appealed) WHERE kind = 'appeal';

CREATE TABLE moderation_leases (
    asset_id uuid PRIMARY KEY REFERENCES assets (id) ON DELETE CASCADE,
    moderator uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    until timestamptz NOT NULL
);
CREATE INDEX moderation_leases_by_moderator ON moderation_leases (moderator);

ALTER TABLE block_sha256 ADD COLUMN added_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE block_phash ADD COLUMN added_at timestamptz NOT NULL DEFAULT now();
