"""The command line, one file per kind of command; `bot.__main__` lists them all."""
