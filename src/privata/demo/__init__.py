"""The demo: everything running on one machine, with a partner whose wallets are busy."""
