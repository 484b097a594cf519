"""The database: its tables, their migrations, and what reads and writes them."""
