"""A store on a PostgreSQL server: what differs from SQLite."""
