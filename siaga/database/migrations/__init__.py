"""The database's schema as a sequence of changes, applied by `siaga.database.migrate`."""
