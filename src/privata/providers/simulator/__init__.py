"""The provider of the sandbox: executes test orders deterministically and touches nothing real."""
