"""The partner's page of providers: which are used, how they do, and with which markup."""
