"""Read the facts of a migration: the folder, the place of its submodule, and what prevents the migration."""
