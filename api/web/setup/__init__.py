"""The pages of admins: what is set up, and who may do what."""
