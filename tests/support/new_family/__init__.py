"""A toy family: how much louder a recording is than its reference. tests/architecture/test_new_family.py adds it."""
