"""What the database does for the ledger by itself, whoever writes to it.

- `ledger_refuse` refuses UPDATE, DELETE and TRUNCATE on entries, postings and earnings for every
  role, and on accounts whatever does not come from a posting.
- `ledger_posting_book` (after each insert of postings) takes the organization's turn, moves the
  balances, and refuses what would be added to an entry that is whole. It runs as the owner of the
  tables, so that the application's role needs no right to write a balance.
- `ledger_entry_balanced` (at the commit) refuses an entry whose postings are not those it was
  announced with, or do not sum up to zero.
- `ledger_earning_fits` (at the commit) refuses an earning that is not what its entry booked.

Every function has a fixed search path and names its tables in full: a temporary table of the
caller cannot take their place.
"""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % on % refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION ledger_posting_book() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added
        LEFT JOIN public.ledger_entry AS entry ON entry.id = added.entry_id
        WHERE entry.id IS NULL
    ) THEN
        RAISE EXCEPTION 'a posting needs its entry first'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_whole';
    END IF;

    -- A book is opened with all of its accounts, so that there is always a row to lock.
    INSERT INTO public.ledger_account (organization_id, name)
    SELECT opened.organization_id, account.name
    FROM (
        SELECT DISTINCT entry.organization_id
        FROM added JOIN public.ledger_entry AS entry ON entry.id = added.entry_id
    ) AS opened
    CROSS JOIN unnest(ARRAY[
        'available', 'commission', 'corrections', 'paid', 'payout_in_flight', 'pending', 'rounding',
        'takings'
    ]) AS account(name)
    WHERE NOT EXISTS (
        SELECT FROM public.ledger_account AS known
        WHERE known.organization_id = opened.organization_id
    )
    ORDER BY opened.organization_id, account.name
    ON CONFLICT DO NOTHING;

    -- The organization's turn: whoever books for it, whatever the accounts, holds this one row
    -- until the commit. So two that spend the same balance follow each other, and two that touch
    -- the same accounts in another order cannot wait for one another.
    PERFORM FROM public.ledger_account AS account
    WHERE account.name = 'available' AND account.organization_id IN (
        SELECT entry.organization_id
        FROM added JOIN public.ledger_entry AS entry ON entry.id = added.entry_id
    )
    ORDER BY account.organization_id
    FOR NO KEY UPDATE OF account;

    UPDATE public.ledger_account AS account SET balance = account.balance + moved.amount
    FROM (
        SELECT entry.organization_id, added.account, sum(added.amount) AS amount
        FROM added JOIN public.ledger_entry AS entry ON entry.id = added.entry_id
        GROUP BY entry.organization_id, added.account
    ) AS moved
    WHERE account.organization_id = moved.organization_id AND account.name = moved.account;

    IF EXISTS (
        SELECT FROM public.ledger_entry AS entry
        WHERE entry.id IN (SELECT added.entry_id FROM added) AND entry.postings < (
            SELECT count(*) FROM public.ledger_posting AS posting
            WHERE posting.entry_id = entry.id
        )
    ) THEN
        RAISE EXCEPTION 'nothing is added to an entry that is whole'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_whole';
    END IF;

    -- What was reserved for one payout is given back or paid once, even where another payout's
    -- money would cover it a second time.
    IF EXISTS (
        SELECT FROM added JOIN public.ledger_entry AS entry ON entry.id = added.entry_id
        WHERE added.account = 'payout_in_flight' AND added.amount < 0 AND (
            SELECT sum(posting.amount)
            FROM public.ledger_entry AS step
            JOIN public.ledger_posting AS posting ON posting.entry_id = step.id
            WHERE step.kind = entry.kind AND step.cause_id = entry.cause_id
              AND step.organization_id = entry.organization_id
              AND posting.account = 'payout_in_flight'
        ) < 0
    ) THEN
        RAISE EXCEPTION 'more leaves payout_in_flight than was reserved for this cause'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_cause_covers';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION ledger_entry_balanced() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    many bigint;
    total numeric;
BEGIN
    SELECT count(*), sum(posting.amount) INTO many, total
    FROM public.ledger_posting AS posting WHERE posting.entry_id = NEW.id;
    IF many <> NEW.postings OR total IS DISTINCT FROM 0 THEN
        RAISE EXCEPTION 'entry % has % of % postings and a sum of %',
            NEW.id, many, NEW.postings, coalesce(total, 0)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_balanced';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION ledger_earning_fits() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.ledger_entry AS entry
        WHERE entry.id = NEW.entry_id AND entry.organization_id = NEW.organization_id
          AND entry.kind = 'order' AND entry.step = 'earn' AND entry.cause_id = NEW.order_id
          AND NEW.share + NEW.markup = (
              SELECT coalesce(sum(posting.amount), 0) FROM public.ledger_posting AS posting
              WHERE posting.entry_id = entry.id AND posting.account IN ('pending', 'available')
          )
    ) THEN
        RAISE EXCEPTION 'the earning of % is not what its entry booked', NEW.order_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_earning_fits';
    END IF;
    RETURN NULL;
END
$$;

-- A trigger is fired without this right; without it nobody hangs the function on a table of theirs.
REVOKE ALL ON FUNCTION ledger_posting_book() FROM PUBLIC;
"""

TRIGGERS = """
CREATE TRIGGER ledger_posting_book AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_posting_book();
CREATE CONSTRAINT TRIGGER ledger_entry_balanced AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger_entry_balanced();
CREATE CONSTRAINT TRIGGER ledger_earning_fits AFTER INSERT ON ledger_earning
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger_earning_fits();

CREATE TRIGGER ledger_entry_no_change BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_posting_no_change BEFORE UPDATE OR DELETE ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_earning_no_change BEFORE UPDATE OR DELETE ON ledger_earning
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
-- Depth 0: the statement was given by somebody, not made by `ledger_posting_book`.
CREATE TRIGGER ledger_account_no_change BEFORE INSERT OR UPDATE OR DELETE ON ledger_account
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse();

-- Row triggers do not see TRUNCATE.
CREATE TRIGGER ledger_entry_no_truncate BEFORE TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_posting_no_truncate BEFORE TRUNCATE ON ledger_posting
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_earning_no_truncate BEFORE TRUNCATE ON ledger_earning
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_account_no_truncate BEFORE TRUNCATE ON ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
"""

BACKWARD = """
DROP FUNCTION ledger_refuse() CASCADE;
DROP FUNCTION ledger_posting_book() CASCADE;
DROP FUNCTION ledger_entry_balanced() CASCADE;
DROP FUNCTION ledger_earning_fits() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [migrations.RunSQL(FUNCTIONS + TRIGGERS, BACKWARD)]
