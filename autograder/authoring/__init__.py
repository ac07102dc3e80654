"""Makes the course from its sources: parse, build, verify, new, release."""
