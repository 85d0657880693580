"""After a restore: what became of payouts outside of the database, and noting it again."""
