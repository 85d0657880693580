"""The schema: migrations, rights of the application's role, what a start needs of a database."""
