"""Tables, transactions and migrations: the database is the only memory."""
