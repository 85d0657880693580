"""Pages about organizations: onboarding, invitations, settings, the switch."""
