"""Versions of a study's tables, for Alembic."""
