-- Run by `caretrail migrate` as the owner role; the service's own role gets SELECT on the log and EXECUTE on append().

-- An older version's functions must not stay callable beside the new ones, whatever their arguments were.
DO $$
DECLARE
    older regprocedure;
BEGIN
    FOR older IN SELECT p.oid FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = current_user::regrole
            AND p.prorettype <> 'trigger'::regtype
    LOOP
        EXECUTE format('DROP FUNCTION %s', older);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the event log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE TRIGGER events_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE events ENABLE ALWAYS TRIGGER events_never_change;

-- The present by a writer's clock: what it said when it sent the command, and the time since then (spent waiting for the
-- lock), so that times follow the order of commits. A service must not move the log's time at will: neither to and fro
-- with its clock, nor forward by a cause that it claims.
CREATE OR REPLACE FUNCTION moment_of(clock timestamptz, floor timestamptz, within smallint) RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz;
BEGIN
    IF clock IS NULL OR NOT isfinite(clock) OR NOT isfinite(coalesce(floor, clock)) THEN
        RAISE EXCEPTION 'a writer names a moment' USING ERRCODE = 'CT003';
    END IF;
    moment := clock + (clock_timestamp() - transaction_timestamp());
    IF abs(extract(epoch FROM moment - clock_timestamp())) > within
        OR extract(epoch FROM floor - clock_timestamp()) > 2 * within THEN
        RAISE EXCEPTION 'this writer''s clock is more than % s off its database''s', within USING ERRCODE = 'CT003';
    END IF;
    RETURN moment;
END $$;

-- The lock, the order, the time and the epoch live in here.
CREATE OR REPLACE FUNCTION append(
    ids uuid[], versions bigint[], topics text[], states bytea[], lanes smallint[], patients uuid[],
    clock timestamptz, floor timestamptz
) RETURNS TABLE (new_position bigint, new_recorded_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last_position bigint := 0;
    last_moment timestamptz;
    promised timestamptz;
    within smallint;
    moment timestamptz;
BEGIN
    SELECT s.heads_at, s.clock_within INTO promised, within FROM log_state s FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this log has no epoch: run caretrail migrate' USING ERRCODE = 'CT002';
    END IF;
    SELECT e.position, e.recorded_at INTO last_position, last_moment FROM events e ORDER BY e.position DESC LIMIT 1;
    last_position := coalesce(last_position, 0);
    moment := greatest(
        moment_of(clock, floor, within),
        last_moment + interval '1 microsecond',
        promised + interval '1 microsecond',
        floor + interval '1 microsecond'
    );
    RETURN QUERY
    WITH given AS (
        SELECT g.*, last_position + g.nth AS place, moment + (g.nth - 1) * interval '1 microsecond' AS at
        FROM unnest(ids, versions, topics, states, lanes, patients)
            WITH ORDINALITY AS g(id, version, topic, state, lane, patient, nth)
    ), inserted AS (
        INSERT INTO events (position, originator_id, originator_version, topic, state, recorded_at, lane, previous, patient_id)
        SELECT g.place, g.id, g.version, g.topic, g.state, g.at, g.lane,
               coalesce(lag(g.place) OVER (PARTITION BY g.lane ORDER BY g.nth),
                        (SELECT max(e.position) FROM events e WHERE e.lane = g.lane), 0),
               g.patient
        FROM given g ORDER BY g.nth
        RETURNING position, recorded_at
    )
    SELECT i.position, i.recorded_at FROM inserted i ORDER BY i.position;
END $$;

-- The heads of all lanes, read in turn with the writers: every later event is recorded after the time given, whatever
-- the clock of its writer says, because that time is kept.
CREATE OR REPLACE FUNCTION heads(clock timestamptz, OUT log_epoch uuid, OUT lane_heads bigint[], OUT at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM log_state FOR UPDATE;
    SELECT array_agg(coalesce((SELECT max(e.position) FROM events e WHERE e.lane = l.lane), 0) ORDER BY l.lane)
        INTO lane_heads FROM generate_series(0, 15) AS l(lane);
    UPDATE log_state s
        SET heads_at = greatest(s.heads_at, moment_of(clock, NULL, s.clock_within))
        RETURNING s.epoch, s.heads_at INTO log_epoch, at;
END $$;

-- Refuses a commit that would take rows which somebody else has taken.
CREATE OR REPLACE FUNCTION must_be_there(matched bigint) RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF matched = 0 THEN
        RAISE EXCEPTION 'the rows were taken' USING ERRCODE = 'CT001';
    END IF;
END $$;

-- Compare-and-set of a consumer's position; before_sequence 0 means that nothing was consumed yet.
CREATE OR REPLACE FUNCTION move_position(
    of_upstream text, of_lane smallint, before_epoch uuid, before_sequence bigint,
    after_epoch uuid, after_sequence bigint, after_event text
) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF before_epoch IS NULL THEN
        INSERT INTO positions (upstream, lane, epoch, sequence, event_id)
        VALUES (of_upstream, of_lane, after_epoch, after_sequence, after_event) ON CONFLICT DO NOTHING;
    ELSE
        UPDATE positions SET epoch = after_epoch, sequence = after_sequence, event_id = after_event
        WHERE upstream = of_upstream AND lane = of_lane AND epoch = before_epoch AND sequence = before_sequence;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION '%/% has moved', of_upstream, of_lane USING ERRCODE = 'CT001';
    END IF;
END $$;
